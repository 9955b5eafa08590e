import os
os.chdir('/work/main')
def edit(p,*pairs):
    s=open(p).read()
    for o,n in pairs:
        assert o in s,(p,o[:60]); s=s.replace(o,n,1)
    open(p,'w').write(s)
edit('crates/probe/src/cell.rs',
('''        self.session.say_initialized();
        self.must_answer(Question {
            id: Id::ToolsList,
            method: Method::ToolsList,
        })?;
''','''        self.session.say_initialized();
        let list = Question {
            id: Id::ToolsList,
            method: Method::ToolsList,
        };
        match self.manners {
            Manners::Known => self.must_answer(list)?,
            Manners::Unknown => self.may_answer(&list)?,
        }
'''),
('''            if self.subject.exit().is_some() || Instant::now() >= until {
                return Err(self.ended_before("tools/list"));
            }
''','''            match (self.subject.exit(), self.manners) {
                // What it leaves behind is there to be found all the same.
                (Some(_), Manners::Unknown) => break,
                (Some(_), Manners::Known) => return Err(self.ended_before("tools/list")),
                (None, _) if Instant::now() >= until => {
                    return Err(self.ended_before("tools/list"));
                }
                (None, _) => {}
            }
'''),
('''    fn must_answer(&mut self,''','''    /// Asks, and goes on without an answer after a while, or when the program ends.
    fn may_answer(&mut self, question: &Question) -> Result<(), Why> {
        self.session.ask(question);
        let until = Instant::now() + self.start_within.min(LIST_WITHIN);
        self.wait_for(until, |run| {
            run.session.answered(question.id).is_some() || run.subject.exit().is_some()
        })
    }

    fn must_answer(&mut self,'''),
('''    pub(crate) start_within: Duration,
}

impl Setting {
    pub(crate) fn new(options: &Options, directory: Option<PathBuf>) -> Self {
        Self {''','''    pub(crate) start_within: Duration,
    pub(crate) manners: Manners,
}

/// What is known of the server behind the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It is one of ours, so a program that keeps its answers back is at fault.
    Known,
    /// It is somebody's: it may end, stop or fall silent once it was greeted,
    /// and what it leaves then is just what is looked for.
    Unknown,
}

impl Setting {
    pub(crate) fn new(options: &Options, directory: Option<PathBuf>, manners: Manners) -> Self {
        Self {
            manners,'''),
('''    start_within: Duration,
    /// When the ending struck.''','''    start_within: Duration,
    manners: Manners,
    /// When the ending struck.'''),
('''            start_within: setting.start_within,
            struck: None,''','''            start_within: setting.start_within,
            manners: setting.manners,
            struck: None,'''),
('''/// How long after the last process,''','''/// How long a server of unknown manners may take to list its tools.
const LIST_WITHIN: Duration = Duration::from_secs(5);

/// How long after the last process,'''),
)
edit('crates/probe/src/run.rs',('''    let setting = Setting::new(options, options.directory.clone().or(own));''','''    let manners = match target.is_wrapper() {
        true => Manners::Known,
        false => Manners::Unknown,
    };
    let setting = Setting::new(options, options.directory.clone().or(own), manners);'''))
s=open('crates/probe/src/run.rs').read()
import re
m=re.search(r"use crate::cell::\{([^}]*)\};|use crate::cell::([^;]*);",s); print(m.group(0))
edit('testing/servers/tests/probed/rows.rs',
('''    Row {
        // It leaves by itself before a list of tools can be asked for.
        due: Due::NotProbedBare("ended with code 7 before it had answered tools/list"),
        ..row("orphaner", &[])
    },
''','''    row("orphaner", &[]),
'''),
('''    Row {
        // It stops itself before it can list its tools.
        due: Due::NotProbed("no answer to tools/list within 10 s"),
        ..row("stopped", &[])
    },
''','''    row("stopped", &[]),
'''))
