//! What a task wants, held against the world.

use crate::state::{Asker, Cause, Change, Fact, Gap, Halt, Look, Wanted, World};
use crate::text::Diagnostic;

/// The gaps of one task, and how sure they are.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    pub gaps: Vec<Gap>,
    /// A task before it may change what was compared.
    pub may: Option<Cause>,
    /// All that differs is what only a real run tells: it may be as it is.
    pub unsure: Option<Cause>,
    /// An action before it may have changed what was compared.
    pub doubt: Option<Cause>,
}

/// Compares each thing with how it is to be. Errors: more must be asked, or the target could not say.
pub fn compare(world: &World, asker: Asker, wanted: &[Wanted]) -> Result<Compared, Halt> {
    let mut all = Compared::default();
    for want in wanted {
        let now = match world.get(asker, &want.id) {
            Some(Fact::Seen(state) | Fact::Predicted(state, _)) => state,
            Some(Fact::May(state, cause)) => {
                all.may.get_or_insert_with(|| cause.clone());
                state
            }
            Some(Fact::Failed { message, hint }) => {
                let diagnostic = Diagnostic::error(message);
                return Err(Halt::Failed(hint.iter().fold(diagnostic, |diagnostic, hint| diagnostic.hint(*hint))));
            }
            None => return Err(Halt::Ask(vec![Look::of(want.id.clone())])),
        };
        if let Some(cause) = world.doubt(asker, &want.id) {
            all.doubt.get_or_insert_with(|| cause.clone());
        }
        let mut gap = Gap::between(&want.id, now, &want.state);
        if !gap.is_closed() {
            gap.how = want.how.clone();
            all.gaps.push(gap);
        }
    }
    all.unsure = unsure(&all.gaps).cloned();
    Ok(all)
}

/// The first unknown of gaps that are about nothing else.
fn unsure(gaps: &[Gap]) -> Option<&Cause> {
    let changes = || gaps.iter().flat_map(|gap| &gap.changes);
    let waits = |change: &'_ Change| change.then.as_ref().is_some_and(|value| value.unknown().is_some());
    let opens = gaps.iter().any(|gap| gap.creates() || gap.deletes());
    let all = !opens && changes().all(waits);
    all.then(|| changes().find_map(|change| change.then.as_ref()?.unknown())).flatten()
}
