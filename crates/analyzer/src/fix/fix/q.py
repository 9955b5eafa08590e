import os
os.chdir('/work/main')
def edit(p,*pairs):
    s=open(p).read()
    for o,n in pairs:
        assert o in s,(p,o[:70]); s=s.replace(o,n,1)
    open(p,'w').write(s)
edit('crates/process/src/protocol.rs',
('''    Alive { done_in_ms: u32 },
}''','''    Alive { done_in_ms: u32 },
    /// The wrapper knows that the tree is empty and needs the guard no more.
    Release,
}'''),
('''            Self::Alive { done_in_ms } => format!("alive {done_in_ms}"),''','''            Self::Alive { done_in_ms } => format!("alive {done_in_ms}"),
            Self::Release => "release".to_owned(),'''),
('''            _unknown => return None,
        };
        words.next()''','''            "release" => Self::Release,
            _unknown => return None,
        };
        words.next()'''),
('''            Command::Alive { done_in_ms: 3000 },
''','''            Command::Alive { done_in_ms: 3000 },
            Command::Release,
'''),
)
edit('crates/process/src/tree.rs',
('''        // The guard leaves when it hears nothing more from us.
''','''        // Without this word the guard takes our silence for our death.
        let _guard_lost = self.command(&Command::Release);
        // The guard leaves when it hears nothing more from us.
'''))
edit('crates/process/src/guard/watch.rs',
('''        if !matches!(self.wrapper, Wrapper::Lost(_)) && matches!(self.stage, Stage::Empty(_)) {
            // It was told of the end, and let go in good order.
            self.wrapper = Wrapper::LetGo;
        }
''',''),
('''                    // A wrapper that talks nonsense''','''                    Some(Command::Release) => return self.let_go(),
                    // A wrapper that talks nonsense'''),
('''    fn lose_wrapper(&mut self) {''','''    /// The wrapper needs this guard no more, if the tree is empty as it says.
    fn let_go(&mut self) {
        if matches!(self.stage, Stage::Empty(_)) {
            self.wrapper = Wrapper::LetGo;
        } else {
            self.lose_wrapper();
        }
    }

    fn lose_wrapper(&mut self) {'''))
edit('crates/relay/src/relay.rs',
('''    fn settle(&mut self) {
''','''    fn settle(&mut self) {
        if self.tree.is_asleep() {
            return self.end_asleep();
        }
'''),
('''    fn host_ended(&mut self) {''','''    /// A sleeping server has no tree left that a shutdown could wait for.
    fn end_asleep(&mut self) {
        match self.shutdown.phase() {
            Phase::Running | Phase::Done => {}
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing => {
                self.zero = Zero::Seen;
                self.end_with_tree();
            }
        }
    }

    fn host_ended(&mut self) {'''),
)
s=open('crates/relay/src/relay.rs').read()
i=s.index("        self.begin(Trigger::Eof);\n        if self.tree.is_asleep() {"); j=s.index("    }\n",s.index("self.end_with_tree();",i)+30)
print(repr(s[i:j+6]))
s=s[:i]+"        self.begin(Trigger::Eof);\n        if self.tree.is_asleep() {\n            self.end_asleep();\n        }\n    }\n"+s[s.index("\n    fn ",i):]
s=s.replace('''            None => match self.shutdown.phase() {
                Phase::Running''','''            None if self.answered_here.contains(id) => {
                self.log
                    .line(&format!("second answer to call {id} left out"));
                Passage::Stop
            }
            None => match self.shutdown.phase() {
                Phase::Running''',1)
s=s.replace('''            self.count(&finished);
            self.downstream.refuse(&id, &finished, &refusal);
        }
    }
''','''            self.count(&finished);
            self.downstream.refuse(&id, &finished, &refusal);
            if self.answered_here.len() >= MAX_REMEMBERED {
                self.answered_here.pop_front();
            }
            self.answered_here.push_back(id);
        }
    }
''',1)
assert 'MAX_REMEMBERED' in s
s=s.replace('''    pub(crate) latencies: Latencies,''','''    pub(crate) latencies: Latencies,
    /// Calls that were answered here while the server may still answer them.
    answered_here: VecDeque<CallId>,''',1)
s=s.replace("            latencies: Latencies::new(),\n","            latencies: Latencies::new(),\n            answered_here: VecDeque::new(),\n",1)
s=s.replace("use std::future::poll_fn;\n","use std::collections::VecDeque;\nuse std::future::poll_fn;\n",1)
s=s.replace('''/// How long a buffer that grew''','''/// How many calls with an unreadable answer are remembered.
const MAX_REMEMBERED: usize = 256;
/// How long a buffer that grew''',1)
open('crates/relay/src/relay.rs','w').write(s)
edit('crates/dropgate/src/verbs/probe.rs',
('''            ExitCode::from(NOT_PROBED)''','''            ExitCode::from(match error.why {
                Why::NoCommand | Why::NoSuchScenario { .. } | Why::NoSuchEnding { .. } => {
                    exit::USAGE
                }
                Why::NotStarted { .. }
                | Why::Ended { .. }
                | Why::Refused { .. }
                | Why::Silent { .. }
                | Why::System { .. } => NOT_PROBED,
            })'''),
('''Progress, Target, probe, table};''','''Progress, Target, Why, probe, table};'''))
