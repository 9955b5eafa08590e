//! The configuration read again while the server runs: all of it holds from then on, or nothing.

use std::time::Duration;

use dropgate_journal as journal;
use dropgate_policy::PolicyFile;

use crate::orders::Orders;
use crate::recorder::Recorder;
use crate::relay::Relay;
use crate::tool_rules::ToolRules;

/// Reads the configuration again, or says what is wrong with it.
pub type Reload = Box<dyn FnMut() -> Result<Renewed, String>>;

/// What a configuration that was read again changes.
pub struct Renewed {
    /// What is set for tools, by name.
    pub tools: ToolRules,
    /// How long a call may take.
    pub timeout: Duration,
    /// Progress extends a call, but not past this.
    pub max_timeout: Duration,
    /// What the operator wants of the breakers and the mode.
    pub orders: Orders,
    /// The Cedar policies, where such policies decide.
    pub policies: Option<Vec<PolicyFile>>,
    /// What else there is to say, for the log.
    pub remarks: Vec<String>,
}

impl Relay {
    /// Takes the configuration as it is now. Calls that are under way keep what held for them.
    pub(crate) fn reload(&mut self) {
        let now = self.now();
        let Some(reload) = &mut self.settings.reload else {
            return;
        };
        let text = match reload() {
            Ok(renewed) => self.renew(renewed, now),
            Err(why) => {
                self.settings.policies.replacing_failed(now);
                Err(why)
            }
        };
        let text = match text {
            Ok(()) => "read again".to_owned(),
            Err(why) => format!("the old one stays in force: {why}"),
        };
        self.log.line(&format!("configuration: {text}"));
        note(&mut self.recorder, "dropgate.toml", &text);
    }

    fn renew(&mut self, renewed: Renewed, now: Duration) -> Result<(), String> {
        if let Some(files) = &renewed.policies {
            let replaced = self.settings.policies.replace(files, now);
            replaced.map_err(|complaints| complaints.to_string())?;
            for shadow in self.settings.policies.shadows() {
                self.log.line(&format!("weakened by {shadow}"));
                note(
                    &mut self.recorder,
                    "policies",
                    &format!("weakened by {shadow}"),
                );
            }
        }
        self.settings.tools = renewed.tools;
        self.settings.calls.timeout = renewed.timeout;
        self.settings.calls.max_timeout = renewed.max_timeout;
        for remark in renewed.remarks {
            self.log.line(&remark);
        }
        self.judge_listed(now);
        self.obey(renewed.orders, now);
        Ok(())
    }
}

/// Records something of the configuration.
pub(crate) fn note(recorder: &mut Recorder, subject: &str, text: &str) {
    recorder.note(journal::Note {
        topic: journal::Topic::Config,
        call: None,
        subject: subject.into(),
        text: text.into(),
    });
}
