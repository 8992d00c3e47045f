//! What the compiler says to the mistakes that people make: it names what is wrong in words of asynx, and what to write.
//!
//! The texts are those of the oldest Rust that is supported; `TRYBUILD=overwrite cargo test -p asynx-mistakes` writes them
//! anew. Read what it wrote before it is committed.

#[test]
fn mistakes_are_told_in_words_of_asynx() {
    let mistakes = trybuild::TestCases::new();
    for file in std::fs::read_dir("tests/mistakes").expect("the folder is there") {
        let path = file.expect("it can be read").path();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if is_source && !path.ends_with("common.rs") {
            mistakes.compile_fail(path);
        }
    }
}
