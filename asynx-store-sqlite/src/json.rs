/// The JSON text of a list, which statements take apart by `json_each`: so a statement has one text, however long the
/// list.
pub(crate) fn text(list: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(list).expect("lists of texts and numbers are JSON")
}
