//! A call that repeats an earlier one: what the journal knows of that decides.

use dropgate_gate::refusal::Refusal;
use dropgate_journal::Earlier;

/// The answer to a call whose key an earlier call has.
pub(crate) fn of_key(earlier: &Earlier) -> Refusal {
    match earlier {
        Earlier::InProgress { .. } => Refusal::in_progress(),
        Earlier::OtherArguments { .. } => Refusal::key_reused(),
        Earlier::Ended { .. } => Refusal::unknown_earlier(),
    }
}
