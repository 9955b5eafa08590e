//! The one face that the relay asks.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use dropgate_gate::decision::{
    Answers, Authority, Decision, Denial, PolicyAnswer, Principal, Reason, Standing, decide,
};
use dropgate_gate::mode::Class;
use dropgate_gate::pins::{Extent, MAX_TOOLS, ToolDefinition, ToolPage};

use crate::cedar::{CedarPolicies, Complaint, Complaints, Explanation, PolicyFile};
use crate::point::DecisionPoint;
use crate::question::{Mode, Moment, Question, Subject};

/// A decision, or the wait for one.
#[must_use = "a call waits for its decision"]
pub enum Answer {
    /// Everything was known here.
    Now(Decision),
    /// A decision point is asked. Dropping the future takes the question back; it ends within the
    /// decision point's timeout.
    Later(Pending),
}

/// A decision that is on its way.
pub type Pending = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// Whoever decides for one server.
#[derive(Debug, Clone)]
pub struct Policies(Rule);

#[derive(Debug, Clone)]
enum Rule {
    LocalOwner,
    Nobody,
    Asked(Arc<Asked>),
}

#[derive(Debug)]
struct Asked {
    authority: Authority,
    point: Option<DecisionPoint>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    cedar: Option<CedarPolicies>,
    listed: BTreeMap<Box<str>, ToolDefinition>,
    /// Counts changes, so that a decision that was under way is made again.
    generation: u64,
}

impl Policies {
    /// The local user may call everything: `run` without a policy.
    #[must_use]
    pub fn local_owner() -> Self {
        Self(Rule::LocalOwner)
    }

    /// Nobody may call anything: `serve` without a policy.
    #[must_use]
    pub fn nobody() -> Self {
        Self(Rule::Nobody)
    }

    /// Cedar policies decide.
    #[must_use]
    pub fn cedar(policies: CedarPolicies) -> Self {
        Self::asked(Authority::Policies, Some(policies), None)
    }

    /// A decision point decides.
    #[must_use]
    pub fn decision_point(point: DecisionPoint) -> Self {
        Self::asked(Authority::DecisionPoint, None, Some(point))
    }

    /// Both have to permit; the decision point is only asked once the policies do.
    #[must_use]
    pub fn both(policies: CedarPolicies, point: DecisionPoint) -> Self {
        Self::asked(
            Authority::PoliciesAndDecisionPoint,
            Some(policies),
            Some(point),
        )
    }

    fn asked(
        authority: Authority,
        cedar: Option<CedarPolicies>,
        point: Option<DecisionPoint>,
    ) -> Self {
        Self(Rule::Asked(Arc::new(Asked {
            authority,
            point,
            state: RwLock::new(State {
                cedar,
                listed: BTreeMap::new(),
                generation: 0,
            }),
        })))
    }

    /// Whose agreement a call needs.
    #[must_use]
    pub fn authority(&self) -> Authority {
        match &self.0 {
            Rule::LocalOwner => Authority::LocalOwner,
            Rule::Nobody => Authority::Nobody,
            Rule::Asked(asked) => asked.authority,
        }
    }

    /// Decides on one request.
    pub fn decide(&self, question: &Question<'_>) -> Answer {
        match &self.0 {
            Rule::LocalOwner | Rule::Nobody => Answer::Now(self.decide_alone(question.principal)),
            Rule::Asked(asked) => Asked::decide(asked, question),
        }
    }

    /// The decision, where a built-in policy decides every call of this principal alike; none
    /// where a call has to be looked at.
    #[must_use]
    pub fn decide_unseen(&self, principal: &Principal) -> Option<Decision> {
        match &self.0 {
            Rule::LocalOwner | Rule::Nobody => Some(self.decide_alone(principal)),
            Rule::Asked(_) => None,
        }
    }

    fn decide_alone(&self, principal: &Principal) -> Decision {
        decide(self.authority(), principal, Answers::none())
    }

    /// Takes a page of the server's tool list; complaints are for the operator.
    pub fn learn(&self, page: &ToolPage) -> Vec<Complaint> {
        self.change(|state| {
            if page.extent == Extent::Whole {
                state.listed.clear();
            }
            state.list(&page.tools);
            state.cedar.as_mut().map(|cedar| cedar.learn(page))
        })
        .flatten()
        .unwrap_or_default()
    }

    /// Takes definitions that were trusted in an earlier run, so that calls can be judged before
    /// the server has listed its tools.
    pub fn learn_tools(&self, tools: &[ToolDefinition]) -> Vec<Complaint> {
        self.change(|state| {
            state.list(tools);
            state.cedar.as_mut().map(|cedar| cedar.learn_tools(tools))
        })
        .flatten()
        .unwrap_or_default()
    }

    /// Puts other Cedar policies in force; see [`CedarPolicies::replace`].
    ///
    /// # Errors
    /// The policies in force stay.
    pub fn replace(&self, files: &[PolicyFile], now: Duration) -> Result<(), Complaints> {
        self.change(|state| state.cedar.as_mut().map(|cedar| cedar.replace(files, now)))
            .flatten()
            .unwrap_or(Ok(()))
    }

    /// The files of policies could not be read; see [`CedarPolicies::replacing_failed`].
    pub fn replacing_failed(&self, now: Duration) {
        let _no_cedar = self.change(|state| {
            let cedar = state.cedar.as_mut();
            cedar.map(|cedar| cedar.replacing_failed(now))
        });
    }

    /// Stands for the Cedar policies in force, as [`CedarPolicies::digest`] says; none if there are
    /// none.
    #[must_use]
    pub fn digest(&self) -> Option<Arc<str>> {
        match &self.0 {
            Rule::LocalOwner | Rule::Nobody => None,
            Rule::Asked(asked) => {
                let state = asked.state.read().ok()?;
                state.cedar.as_ref().map(CedarPolicies::digest)
            }
        }
    }

    /// The Cedar policies that deny nothing for a while, in words for the operator.
    #[must_use]
    pub fn shadows(&self) -> Vec<String> {
        match &self.0 {
            Rule::LocalOwner | Rule::Nobody => Vec::new(),
            Rule::Asked(asked) => match asked.state.read() {
                Ok(state) => state
                    .cedar
                    .as_ref()
                    .map(CedarPolicies::shadows)
                    .unwrap_or_default(),
                Err(_) => Vec::new(),
            },
        }
    }

    /// Why Cedar policies decide as they do; none if there are none.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Option<Explanation> {
        match &self.0 {
            Rule::LocalOwner | Rule::Nobody => None,
            Rule::Asked(asked) => {
                let state = asked.state.read().ok()?;
                Some(state.cedar.as_ref()?.explain(question))
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Option<T> {
        match &self.0 {
            Rule::LocalOwner | Rule::Nobody => None,
            Rule::Asked(asked) => {
                let mut state = asked.state.write().ok()?;
                state.generation += 1;
                Some(change(&mut state))
            }
        }
    }
}

impl Asked {
    fn decide(asked: &Arc<Self>, question: &Question<'_>) -> Answer {
        // A lock is poisoned by a panic in the middle of a change: what is in force is not known.
        let Ok(state) = asked.state.read() else {
            return Answer::Now(Decision::Deny(Denial::new(Reason::Internal)));
        };
        let policies = state.local(question);
        let Some(point) = &asked.point else {
            return Answer::Now(asked.conclude(question.principal, policies, None));
        };
        if policies.as_ref().map(PolicyAnswer::standing) == Some(Standing::Denied) {
            return Answer::Now(asked.conclude(question.principal, policies, None));
        }
        let tool = match question.subject {
            Subject::Tool(name) => match state.listed.get(name) {
                Some(tool) => Some(tool),
                None => return Answer::Now(Decision::Deny(unknown_tool())),
            },
            Subject::Resource(_) | Subject::Prompt(_) | Subject::Method(_) => None,
        };
        let waiting = Waiting {
            asked: Arc::clone(asked),
            question: Owned::of(question),
            generation: state.generation,
            policies,
        };
        let answer = point.evaluate(question, tool);
        Answer::Later(Box::pin(async move { waiting.conclude(answer.await) }))
    }

    fn conclude(
        &self,
        principal: &Principal,
        policies: Option<PolicyAnswer>,
        decision_point: Option<dropgate_gate::decision::PointAnswer>,
    ) -> Decision {
        let answers = Answers {
            policies,
            decision_point,
        };
        decide(self.authority, principal, answers)
    }
}

impl State {
    /// What the policies say; none if there are none.
    fn local(&self, question: &Question<'_>) -> Option<PolicyAnswer> {
        self.cedar.as_ref().map(|cedar| cedar.answer(question))
    }

    fn list(&mut self, tools: &[ToolDefinition]) {
        for tool in tools {
            if self.listed.len() < MAX_TOOLS || self.listed.contains_key(tool.name()) {
                self.listed.insert(tool.name().into(), tool.clone());
            }
        }
    }
}

/// A question whose decision point has not answered yet.
struct Waiting {
    asked: Arc<Asked>,
    question: Owned,
    generation: u64,
    policies: Option<PolicyAnswer>,
}

impl Waiting {
    /// Policies that were replaced meanwhile are asked again: what they forbid now does not pass
    /// because it was asked about before.
    fn conclude(self, answer: dropgate_gate::decision::PointAnswer) -> Decision {
        let question = self.question.lend();
        let Ok(state) = self.asked.state.read() else {
            return Decision::Deny(Denial::new(Reason::Internal));
        };
        let policies = if state.generation == self.generation {
            self.policies
        } else {
            if let Subject::Tool(name) = question.subject
                && !state.listed.contains_key(name)
            {
                return Decision::Deny(unknown_tool());
            }
            state.local(&question)
        };
        self.asked
            .conclude(question.principal, policies, Some(answer))
    }
}

fn unknown_tool() -> Denial {
    Denial::new(Reason::UnknownTool).because("the server has not listed this tool")
}

/// A question that outlives what it was read from.
struct Owned {
    principal: Principal,
    subject: OwnedSubject,
    class: Class,
    mode: Mode,
    arguments: Option<Vec<u8>>,
    now: Moment,
}

enum OwnedSubject {
    Tool(Box<str>),
    Resource(Box<str>),
    Prompt(Box<str>),
    Method(Box<str>),
}

impl Owned {
    fn of(question: &Question<'_>) -> Self {
        Self {
            principal: question.principal.clone(),
            subject: match question.subject {
                Subject::Tool(name) => OwnedSubject::Tool(name.into()),
                Subject::Resource(uri) => OwnedSubject::Resource(uri.into()),
                Subject::Prompt(name) => OwnedSubject::Prompt(name.into()),
                Subject::Method(name) => OwnedSubject::Method(name.into()),
            },
            class: question.class,
            mode: question.mode,
            arguments: question.arguments.map(Into::into),
            now: question.now,
        }
    }

    fn lend(&self) -> Question<'_> {
        Question {
            principal: &self.principal,
            subject: match &self.subject {
                OwnedSubject::Tool(name) => Subject::Tool(name),
                OwnedSubject::Resource(uri) => Subject::Resource(uri),
                OwnedSubject::Prompt(name) => Subject::Prompt(name),
                OwnedSubject::Method(name) => Subject::Method(name),
            },
            class: self.class,
            mode: self.mode,
            arguments: self.arguments.as_deref(),
            now: self.now,
        }
    }
}
