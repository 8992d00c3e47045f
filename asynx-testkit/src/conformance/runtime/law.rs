use crate::conformance::Law;
use crate::conformance::law::laws;

laws! {
    R1: "a spawned task runs to its end without being polled by its spawner, or is dropped when the runtime ends, and does not run inside spawn",
    R2: "a panic of a task stops no other task",
    R3: "a sleep does not end before its duration has passed, and ends; dropping it early is safe",
    R4: "now is not further from UTC than the machine's clock",
    R5: "entropy gives 64 bits that no other call is likely to have been given",
}
