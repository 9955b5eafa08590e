//! One cell: a fresh program, a conversation, an ending, and a look at what is left.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use dropgate_process::Exit;

use crate::client::{Address, Answered, Id, Method, Question, Session};
use crate::ending::{Blow, Ending};
use crate::findings::{CallState, Caller, Cell};
use crate::grid::{Case, InFlight};
use crate::listed;
use crate::options::Options;
use crate::place::Place;
use crate::port;
use crate::refusal::{NotProbed, Why};
use crate::servers::host::Start;
use crate::subject::Subject;
use crate::target;

/// How long the answer to the request behind a call is waited for. A program that answers one
/// request at a time never gives it; then the call is taken for read after this time.
const BEHIND_WITHIN: Duration = Duration::from_secs(1);

/// How long a server of unknown manners may take to list its tools.
const LIST_WITHIN: Duration = Duration::from_secs(5);

/// How long after the last process, or after an answer, the rest of the streams may take.
const REST_WITHIN: Duration = Duration::from_secs(1);

/// How long a program may take to leave after its server died.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Where and how the program of a cell runs.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// `None`: a new temporary directory.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) http: Option<Address>,
    pub(crate) bound: Duration,
    pub(crate) start_within: Duration,
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
            manners,
            directory,
            http: options.http.clone(),
            bound: options.bound,
            start_within: options.start_within,
        }
    }
}

/// Runs one cell to its end.
pub(crate) fn run(case: &Case, setting: &Setting) -> Result<Cell, NotProbed> {
    let at = format!("scenario {}, ending {}", case.scenario, case.ending);
    in_a_run(case, setting, &at, |run| {
        let before = run.call(case.call.as_ref())?;
        match case.ending {
            Ending::None => run.hear_out()?,
            Ending::Eof
            | Ending::Spec
            | Ending::Term
            | Ending::Int
            | Ending::Hup
            | Ending::Kill
            | Ending::Host => run.end(case.ending)?,
        }
        Ok(run.cell(case, before))
    })
}

/// Starts the program of a cell and lets it go once it has answered; `tool` has to be one that it lists.
pub(crate) fn rehearse(
    case: &Case,
    setting: &Setting,
    tool: Option<&str>,
) -> Result<(), NotProbed> {
    in_a_run(case, setting, "at the first start", |run| {
        let known = listed::tools(&run.session.answer(Id::ToolsList));
        match (tool, known) {
            (Some(tool), Some(known)) if !known.iter().any(|name| name == tool) => {
                Err(Why::NoSuchTool {
                    tool: tool.to_owned(),
                    known,
                })
            }
            (Some(_) | None, _) => Ok(()),
        }
    })
}

fn in_a_run<T>(
    case: &Case,
    setting: &Setting,
    at: &str,
    work: impl FnOnce(&mut Run) -> Result<T, Why>,
) -> Result<T, NotProbed> {
    let place =
        Place::new().map_err(|error| Why::system("make a temporary directory")(error).at(at))?;
    let mut run = Run::start(case, setting, place).map_err(|why| why.at(at))?;
    match run.shake_hands().and_then(|()| work(&mut run)) {
        Ok(done) => run.subject.end().map(|()| done).map_err(|why| why.at(at)),
        Err(why) => Err(NotProbed {
            at: at.to_owned(),
            why,
            stderr: run.session.last_lines(),
        }),
    }
}

struct Run {
    // Before the place, which must not go while somebody works in it.
    subject: Subject,
    session: Session,
    place: Place,
    program: String,
    bound: Duration,
    start_within: Duration,
    manners: Manners,
    /// When the ending struck.
    struck: Option<Instant>,
    survivors: Vec<crate::findings::Survivor>,
}

impl Run {
    fn start(case: &Case, setting: &Setting, place: Place) -> Result<Self, Why> {
        let directory = setting
            .directory
            .clone()
            .unwrap_or_else(|| place.directory());
        let (command, http) = match &setting.http {
            None => (case.command.clone(), None),
            Some(address) => {
                let port = port::free().map_err(Why::system("find a free port"))?;
                (
                    target::with_port(&case.command, port),
                    Some(address.with_port(port)),
                )
            }
        };
        let program = command
            .first()
            .map(|program| program.to_string_lossy().into_owned());
        let (subject, streams) = Subject::start(&command, &place, &directory)?;
        Ok(Self {
            subject,
            session: Session::new(streams, http)?,
            place,
            program: program.unwrap_or_default(),
            bound: setting.bound,
            start_within: setting.start_within,
            manners: setting.manners,
            struck: None,
            survivors: Vec::new(),
        })
    }

    /// Begins the conversation as every host does.
    fn shake_hands(&mut self) -> Result<(), Why> {
        self.must_answer(Question {
            id: Id::Initialize,
            method: Method::Initialize,
        })?;
        if self.session.answered(Id::Initialize) == Some(Answered::Error) {
            return Err(Why::Refused {
                message: self.session.answer(Id::Initialize),
            });
        }
        self.session.say_initialized();
        let list = Question {
            id: Id::ToolsList,
            method: Method::ToolsList,
        };
        match self.manners {
            Manners::Known => self.must_answer(list)?,
            Manners::Unknown => self.may_answer(&list)?,
        }
        let until = Instant::now() + self.start_within;
        while !self
            .subject
            .find_program(&self.place)
            .map_err(Why::system("hold the program"))?
        {
            match (self.subject.exit(), self.manners) {
                // What it leaves behind is there to be found all the same.
                (Some(_), Manners::Unknown) => break,
                (Some(_), Manners::Known) => return Err(self.ended_before("tools/list")),
                (None, _) if Instant::now() >= until => {
                    return Err(self.ended_before("tools/list"));
                }
                (None, _) => {}
            }
            self.wait(Instant::now() + Duration::from_millis(5))?;
        }
        Ok(())
    }

    /// Asks, and goes on without an answer after a while, or when the program ends.
    fn may_answer(&mut self, question: &Question) -> Result<(), Why> {
        self.session.ask(question);
        let until = Instant::now() + self.start_within.min(LIST_WITHIN);
        self.wait_for(until, |run| {
            run.session.answered(question.id).is_some() || run.subject.exit().is_some()
        })
    }

    fn must_answer(&mut self, question: Question) -> Result<(), Why> {
        let request = question.method.name();
        self.session.ask(&question);
        let until = Instant::now() + self.start_within;
        self.wait_for(until, |run| {
            run.session.answered(question.id).is_some() || run.subject.exit().is_some()
        })?;
        if self.session.answered(question.id).is_some() {
            return Ok(());
        }
        if self.subject.exit().is_none() {
            let over = self.session.over();
            return Err(Why::Silent {
                request,
                within: self.start_within,
                over,
            });
        }
        self.wait_for(Instant::now() + REST_WITHIN, |run| {
            run.session.is_heard_out()
        })?;
        match self.session.answered(question.id) {
            Some(_) => Ok(()),
            None => Err(self.ended_before(request)),
        }
    }

    fn ended_before(&self, request: &'static str) -> Why {
        match Start::read(&self.place.start()) {
            Some(Start::Failed(why)) => Why::NotStarted {
                program: self.program.clone(),
                why,
            },
            Some(Start::Pid(_)) | None => Why::Ended {
                code: self.subject.exit().map_or(0, Exit::shell_code),
                request,
            },
        }
    }

    /// Brings the call of the scenario in flight and waits until it has its age.
    fn call(&mut self, call: Option<&InFlight>) -> Result<CallState, Why> {
        let Some(InFlight {
            noise,
            call,
            behind,
            lead_in,
        }) = call
        else {
            return Ok(CallState::Idle);
        };
        if let Some(noise) = noise {
            self.session.make_noise(noise);
        }
        let asked = Instant::now();
        self.session.ask(&Question {
            id: Id::Call,
            method: call.clone(),
        });
        if !lead_in.is_zero() {
            self.session.ask(&Question {
                id: Id::Behind,
                method: behind.clone(),
            });
            self.wait_for(asked + BEHIND_WITHIN, |run| {
                run.session.answered(Id::Behind).is_some()
            })?;
            let read = match self.session.answered(Id::Behind) {
                Some(_) => Instant::now(),
                None => asked,
            };
            self.wait_for(read + *lead_in, |_| false)?;
        }
        Ok(match self.session.answered(Id::Call) {
            Some(_) => CallState::Answered,
            None => CallState::InFlight,
        })
    }

    /// Ends the program and watches until nobody is left or the bound has passed.
    fn end(&mut self, ending: Ending) -> Result<(), Why> {
        let struck = Instant::now();
        self.struck = Some(struck);
        let mut last = struck;
        for (after, blow) in ending.blows() {
            self.wait_for(struck + *after, Self::is_over)?;
            if !self.is_over() {
                last = Instant::now();
                self.strike(*blow);
            }
        }
        self.wait_for(last + self.bound, Self::is_over)?;
        if self.is_over() {
            return self.wait_for(Instant::now() + REST_WITHIN, |run| {
                run.session.is_heard_out()
            });
        }
        self.survivors = self.subject.survivors();
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.subject.empty_at().is_some()
    }

    fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::CloseStdin => self.session.close_stdin(),
            Blow::Program(signal) => self.subject.strike_program(signal),
            Blow::Host => {
                self.subject.strike_host();
                self.session.close_pipes();
            }
        }
    }

    /// Waits for the answer to the call, and for the program's end if that comes instead.
    fn hear_out(&mut self) -> Result<(), Why> {
        self.wait_for(Instant::now() + self.bound, |run| {
            run.session.answered(Id::Call).is_some() || run.session.has_no_voice()
        })?;
        let leaves = self.session.answered(Id::Call) != Some(Answered::Result);
        if leaves {
            self.wait_for(Instant::now() + LEAVE_WITHIN, Self::is_over)?;
        }
        Ok(())
    }

    fn cell(&self, case: &Case, call: CallState) -> Cell {
        let zero = self.struck.zip(self.subject.empty_at());
        let zero_after_s =
            zero.map(|(struck, empty)| to_millis(empty.saturating_duration_since(struck)));
        let caller = match (self.session.answered(Id::Call), self.session.has_no_voice()) {
            (Some(Answered::Result), _) => Caller::Result,
            (Some(Answered::Error), _) => Caller::Error,
            (None, true) => Caller::Eof,
            (None, false) => Caller::Nothing,
        };
        let exit = self.subject.exit().filter(|_| case.ending != Ending::Host);
        Cell {
            scenario: case.scenario.clone(),
            ending: case.ending,
            leaked: !self.survivors.is_empty(),
            survivors: self.survivors.clone(),
            zero_after_s,
            caller,
            exit_code: exit.map(Exit::shell_code),
            impure_stdout_lines: self.session.stray_lines(),
            leaked_text: self
                .session
                .marks()
                .iter()
                .map(|mark| (*mark).to_owned())
                .collect(),
            call,
        }
    }

    /// Takes in all that happens until something is so or the instant has come.
    fn wait_for(&mut self, until: Instant, so: impl Fn(&Self) -> bool) -> Result<(), Why> {
        while !so(self) && Instant::now() < until {
            self.wait(until)?;
        }
        Ok(())
    }

    fn wait(&mut self, until: Instant) -> Result<(), Why> {
        self.session.wait(&self.subject, until);
        self.subject.learn()
    }
}

/// Seconds, to the millisecond.
fn to_millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
