//! `deny LIST -- CMD…`: starts a command that lacks some kernel facilities.
//!
//! A real seccomp filter stands in for machines whose policy forbids them, such as containers
//! under Docker's default profile. LIST names facilities, separated by commas:
//!
//! | name | what fails |
//! |---|---|
//! | `userns` | `clone` and `unshare` with any namespace flag: EPERM; `clone3`: ENOSYS, so that the C library falls back to `clone` |
//! | `ptrace` | `ptrace`: EPERM |

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::stage::Failure;

/// The name on the command line.
pub const NAME: &str = "deny";

/// Namespace flags of `clone`; `CLONE_NEWTIME` exists only for `unshare`, since `clone` has the
/// exit signal in its place.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Installs the filters and becomes the command; returns only if that fails.
///
/// # Errors
/// The arguments are wrong, the filter is refused, or the command can't be executed.
pub fn run(args: &[String]) -> Result<ExitCode, Failure> {
    let usage = || Failure::Usage("write deny LIST -- CMD, with LIST of userns, ptrace".to_owned());
    let [list, separator, program, args @ ..] = args else {
        return Err(usage());
    };
    if separator != "--" {
        return Err(usage());
    }
    let mut refused = BTreeMap::new();
    let mut missing = BTreeMap::new();
    for facility in list.split(',') {
        match facility {
            "userns" => {
                refused.insert(libc::SYS_clone, any_of(&NAMESPACES)?);
                let time = [libc::CLONE_NEWTIME];
                let flags: Vec<_> = NAMESPACES.iter().chain(&time).copied().collect();
                refused.insert(libc::SYS_unshare, any_of(&flags)?);
                missing.insert(libc::SYS_clone3, Vec::new());
            }
            "ptrace" => {
                refused.insert(libc::SYS_ptrace, Vec::new());
            }
            _ => return Err(usage()),
        }
    }
    install(refused, libc::EPERM)?;
    install(missing, libc::ENOSYS)?;
    Err(Command::new(program).args(args).exec().into())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Rules that match a first argument with at least one of the flags.
fn any_of(flags: &[libc::c_int]) -> Result<Vec<SeccompRule>, Failure> {
    flags
        .iter()
        .map(|flag| {
            let bit = u64::from(flag.cast_unsigned());
            SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(bit), bit)
                .and_then(|condition| SeccompRule::new(vec![condition]))
                .map_err(refusal)
        })
        .collect()
}

fn install(rules: Rules, errno: libc::c_int) -> Result<(), Failure> {
    if rules.is_empty() {
        return Ok(());
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(refusal)?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.cast_unsigned()),
        arch,
    )
    .map_err(refusal)?;
    let program = BpfProgram::try_from(filter).map_err(refusal)?;
    seccompiler::apply_filter(&program).map_err(refusal)
}

fn refusal(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::System(io::Error::other(error))
}
