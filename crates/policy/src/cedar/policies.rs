//! The policies in force for one server.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cedar_policy::{Entities, PolicySet, Request};
use dropgate_gate::decision::{PolicyAnswer, PolicyFailure, PolicyVerdict};
use dropgate_gate::pins::{Extent, MAX_TOOLS, ToolDefinition, ToolPage};
use dropgate_gate::strict_json;
use serde_json::Value;

use super::complaint::{Complaint, Complaints, Severity};
use super::environment::{Check, Environment, mentioned, resource};
use super::evaluate::{Evaluation, evaluate};
use super::explain::Explanation;
use super::load::{self, Placed, PolicyFile};
use super::request;
use super::scope;
use super::shape;
use super::slices::Slices;
use super::vocabulary::{Family, is_reserved};
use crate::point::MAX_ARGUMENTS;
use crate::question::{Question, Subject};

/// How alike two names have to be for one to be suggested for the other.
const ALIKE: f64 = 0.75;
/// The most policies in shadow that are named at once.
const MOST_SHADOWS_NAMED: usize = 32;

/// The policies of one server, checked against the tools that it lists.
#[derive(Debug)]
pub struct CedarPolicies {
    server: Box<str>,
    max_stale: Duration,
    set: Set,
    tools: BTreeMap<Box<str>, Tool>,
    freshness: Freshness,
    /// Names of tools that were complained about already.
    strangers: HashSet<Box<str>>,
}

/// Policies that passed every check that needs no tool.
#[derive(Debug)]
struct Set {
    digest: Arc<str>,
    policies: Vec<Placed>,
    slices: Slices,
    resources: Environment,
    prompts: Environment,
    methods: Environment,
}

/// A tool that the server listed.
#[derive(Debug)]
struct Tool {
    definition: ToolDefinition,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    /// Its policies are valid for it.
    Checked(Box<Environment>),
    /// They are not, so it can't be called.
    Invalid(Complaint),
}

/// How old the set in force is.
#[derive(Debug, Clone, Copy)]
enum Freshness {
    /// It is what the caller last gave.
    Current,
    /// A newer one could not be taken, first at this time.
    Outdated { since: Duration },
}

impl CedarPolicies {
    /// Parses and checks the policies of `server`, as far as can be before its tools are known.
    ///
    /// `max_stale` is how long the set stays in force once [`Self::replace`] has failed.
    ///
    /// # Errors
    /// A file is not Cedar, or a policy fails the strict check.
    pub fn load(
        server: &str,
        files: &[PolicyFile],
        max_stale: Duration,
    ) -> Result<Self, Complaints> {
        Ok(Self {
            set: Set::load(server, files)?,
            server: server.into(),
            max_stale,
            tools: BTreeMap::new(),
            freshness: Freshness::Current,
            strangers: HashSet::new(),
        })
    }

    /// How many policies there are, of every server.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.policies.len()
    }

    /// Whether there is none, so that everything is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.policies.is_empty()
    }

    /// Takes a page of the server's tool list: from now on these tools are known by these schemas.
    ///
    /// A tool whose policies are not valid for its schema can't be called. That and names of tools
    /// that the server does not have are complained about.
    pub fn learn(&mut self, page: &ToolPage) -> Vec<Complaint> {
        if page.extent == Extent::Whole {
            let listed: HashSet<&str> = page.tools.iter().map(ToolDefinition::name).collect();
            self.tools
                .retain(|name, _tool| listed.contains(name.as_ref()));
        }
        let mut complaints = self.learn_tools(&page.tools);
        if matches!(page.extent, Extent::Whole | Extent::Last) {
            complaints.extend(self.complain_of_strangers());
        }
        complaints
    }

    /// Takes definitions that are known from an earlier run, so that calls can be judged before the
    /// server has listed its tools.
    pub fn learn_tools(&mut self, tools: &[ToolDefinition]) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for definition in tools {
            let known = self.tools.get(definition.name());
            if known.is_some_and(|tool| tool.definition.digest() == definition.digest()) {
                continue;
            }
            if known.is_none() && self.tools.len() >= MAX_TOOLS {
                continue;
            }
            let standing = self.set.stand(definition, &self.server, &mut complaints);
            let tool = Tool {
                definition: definition.clone(),
                standing,
            };
            self.tools.insert(definition.name().into(), tool);
        }
        complaints
    }

    /// Puts another set in force, if it passes every check, those for the known tools included.
    ///
    /// # Errors
    /// The set in force stays; from the first failure on it lasts for `max_stale`.
    pub fn replace(&mut self, files: &[PolicyFile], now: Duration) -> Result<(), Complaints> {
        match self.checked(files) {
            Ok((set, tools)) => {
                self.set = set;
                self.tools = tools;
                self.freshness = Freshness::Current;
                self.strangers.clear();
                Ok(())
            }
            Err(complaints) => {
                self.replacing_failed(now);
                Err(complaints)
            }
        }
    }

    /// The files could not even be read: the set in force stays, for `max_stale` from the first
    /// such failure on.
    pub fn replacing_failed(&mut self, now: Duration) {
        if let Freshness::Current = self.freshness {
            self.freshness = Freshness::Outdated { since: now };
        }
    }

    /// Stands for the texts in force: the SHA-256, in hexadecimal, of the SHA-256 of each file as a
    /// line of hexadecimal, in their order.
    #[must_use]
    pub fn digest(&self) -> Arc<str> {
        Arc::clone(&self.set.digest)
    }

    /// The policies that deny nothing for a while, in words for the operator.
    #[must_use]
    pub fn shadows(&self) -> Vec<String> {
        let all = self.set.policies.iter();
        let mut shadows = all.filter_map(|placed| Some((placed, placed.shadow.as_ref()?)));
        let named = shadows.by_ref().take(MOST_SHADOWS_NAMED);
        let mut told: Vec<String> = named
            .map(|(placed, shadow)| {
                let (id, until) = (placed.id(), shadow.until());
                format!("policy {id:?} in shadow: it denies nothing until {until}")
            })
            .collect();
        let others = shadows.count();
        if others > 0 {
            told.push(format!("{others} further policies in shadow"));
        }
        told
    }

    /// The policies' answer.
    #[must_use]
    pub fn answer(&self, question: &Question<'_>) -> PolicyAnswer {
        self.evaluate(question).answer()
    }

    /// Why the answer is what it is.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let subject = question.subject;
        let slices = self.set.slices.of(Family::of(subject), subject.name());
        let some = slices.map(|slice| slice.members.len()).sum();
        let asked = format!(
            "{} {} for {}",
            subject.method(),
            subject.name().escape_debug(),
            question.principal.name()
        );
        Explanation::new(asked, (some, self.len()), self.evaluate(question))
    }

    fn evaluate(&self, question: &Question<'_>) -> Evaluation {
        if let Freshness::Outdated { since } = self.freshness
            && question.now.monotonic.saturating_sub(since) > self.max_stale
        {
            return Evaluation::failed(
                PolicyFailure::Stale,
                "a newer set of policies could not be taken for too long",
            );
        }
        let given = question.arguments.unwrap_or_default();
        if given.len() > MAX_ARGUMENTS {
            let detail = format!("the arguments are longer than {MAX_ARGUMENTS} bytes");
            return Evaluation::failed(PolicyFailure::ArgumentsTooLarge, detail);
        }
        let arguments = match question.arguments.map(strict_json::read).transpose() {
            Ok(arguments) => arguments,
            Err(error) => {
                let detail = format!("the arguments are {error}");
                return Evaluation::failed(PolicyFailure::ArgumentsUnfit, detail);
            }
        };
        match question.subject {
            Subject::Tool(name) => match self.tools.get(name) {
                None => Evaluation::failed(
                    PolicyFailure::UnknownTool,
                    "the server has not listed this tool",
                ),
                Some(tool) => match &tool.standing {
                    Standing::Invalid(complaint) => {
                        Evaluation::failed(PolicyFailure::NotLoaded, complaint.to_string())
                    }
                    Standing::Checked(environment) => {
                        self.run(question, arguments.as_ref(), environment)
                    }
                },
            },
            Subject::Resource(_) => self.run(question, None, &self.set.resources),
            Subject::Prompt(_) => self.run(question, None, &self.set.prompts),
            Subject::Method(_) => self.run(question, None, &self.set.methods),
        }
    }

    fn run(
        &self,
        question: &Question<'_>,
        arguments: Option<&Value>,
        environment: &Environment,
    ) -> Evaluation {
        let request = match request::put(question, arguments, environment) {
            Ok(request) => request,
            Err(error) => {
                return Evaluation::failed(PolicyFailure::ArgumentsUnfit, error.to_string());
            }
        };
        let name = question.subject.name();
        let slices = self.set.slices.of(environment.family, name);
        let slices = slices.map(|slice| &slice.set);
        if environment.family == Family::Tools {
            let first = evaluate(&request, slices, &environment.entities);
            return self.unshadowed(first, (question, &request), &environment.entities);
        }
        // The thing is only known now; it lies inside the server like any other.
        let thing = resource(environment.family, name, &self.server).and_then(|thing| {
            let entities = environment.entities.clone();
            let entities = entities.add_entities(thing, Some(&environment.schema));
            entities.map_err(|error| error.to_string())
        });
        match thing {
            Ok(entities) => {
                let first = evaluate(&request, slices, &entities);
                self.unshadowed(first, (question, &request), &entities)
            }
            Err(error) => Evaluation::failed(PolicyFailure::Internal, error),
        }
    }

    /// What the evaluation comes to without the policies in shadow, if they alone forbade. Nothing
    /// else of them is overlooked: one that fails denies.
    fn unshadowed(
        &self,
        first: Evaluation,
        (question, request): (&Question<'_>, &Request),
        entities: &Entities,
    ) -> Evaluation {
        let Evaluation::Ran {
            verdict: PolicyVerdict::Forbidden,
            determining,
            errors,
            ..
        } = &first
        else {
            return first;
        };
        let wall = question.now.wall;
        let shadows = self
            .set
            .policies
            .iter()
            .filter(|placed| placed.is_in_shadow(wall));
        let shadows: HashSet<String> = shadows.map(Placed::id).collect();
        if !errors.is_empty() || !determining.iter().all(|id| shadows.contains(id)) {
            return first;
        }
        let subject = question.subject;
        let slices = self.set.slices.of(Family::of(subject), subject.name());
        let members = slices.flat_map(|slice| &slice.members);
        let members = members.filter_map(|at| self.set.policies.get(*at));
        let others = members.filter(|placed| !shadows.contains(&placed.id()));
        let others = PolicySet::from_policies(others.map(|placed| placed.policy.clone()));
        match others {
            Ok(others) => match evaluate(request, std::iter::once(&others), entities) {
                Evaluation::Ran {
                    verdict,
                    determining: by,
                    errors,
                    shadowed: _none,
                } => Evaluation::Ran {
                    verdict,
                    determining: by,
                    errors,
                    shadowed: determining.clone(),
                },
                failed @ Evaluation::Failed { .. } => failed,
            },
            Err(error) => Evaluation::failed(PolicyFailure::Internal, error.to_string()),
        }
    }

    fn checked(&self, files: &[PolicyFile]) -> Result<(Set, BTreeMap<Box<str>, Tool>), Complaints> {
        let set = Set::load(&self.server, files)?;
        let mut complaints = Vec::new();
        let mut tools = BTreeMap::new();
        for (name, tool) in &self.tools {
            let definition = tool.definition.clone();
            let standing = set.stand(&definition, &self.server, &mut complaints);
            let tool = Tool {
                definition,
                standing,
            };
            tools.insert(name.clone(), tool);
        }
        match Complaints::of(complaints) {
            Some(complaints) => Err(complaints),
            None => Ok((set, tools)),
        }
    }

    /// A policy for a tool that the server does not have is harmless, since such a tool can't be
    /// called, unless its author meant another one.
    fn complain_of_strangers(&mut self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for placed in &self.set.policies {
            for name in scope::tools_named(&placed.policy) {
                if self.tools.contains_key(&name) || self.strangers.contains(&name) {
                    continue;
                }
                if matches!(
                    scope::of(&placed.policy, &self.server),
                    Ok(scope::Scope::Elsewhere) | Err(_)
                ) {
                    continue;
                }
                let near = self
                    .tools
                    .keys()
                    .map(|known| (strsim::jaro_winkler(known, &name), known))
                    .filter(|(likeness, _known)| *likeness >= ALIKE)
                    .max_by(|left, right| left.0.total_cmp(&right.0));
                let advice = near.map_or_else(String::new, |(_likeness, known)| {
                    format!("; did you mean {known:?}?")
                });
                let text = format!("the server lists no tool {name:?}{advice}");
                complaints.push(placed.complain(Severity::Warning, text));
                self.strangers.insert(name);
            }
        }
        complaints.truncate(super::complaint::MAX_COMPLAINTS);
        complaints
    }
}

impl Set {
    fn load(server: &str, files: &[PolicyFile]) -> Result<Self, Complaints> {
        let policies = load::parse(files)?;
        let slices = match Slices::cut(&policies, server) {
            Ok(slices) => slices,
            Err(complaints) => {
                return Err(Complaints::of(complaints).unwrap_or_else(|| refused("cut").into()));
            }
        };
        let method = |family: Family| {
            let named = slices.names(family);
            let named = named.filter_map(|name| slices.named(family, name));
            let everything = slices.shared(family).into_iter().chain(named);
            Environment::of_method(family, &mentioned(everything, &policies))
                .map_err(|error| Complaints::from(refused(&error)))
        };
        let set = Self {
            digest: load::digest(files),
            resources: method(Family::Resources)?,
            prompts: method(Family::Prompts)?,
            methods: method(Family::Methods)?,
            policies,
            slices,
        };
        match Complaints::of(set.check_without_tools(server)) {
            Some(complaints) => Err(complaints),
            None => Ok(set),
        }
    }

    /// Every check that can be made without the server's list: methods in full, and tools as far
    /// as nothing looks at their arguments.
    fn check_without_tools(&self, server: &str) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for environment in [&self.resources, &self.prompts, &self.methods] {
            let family = environment.family;
            let named = self.slices.names(family);
            let named = named.filter_map(|name| self.slices.named(family, name));
            complaints.extend(environment.check(
                self.slices.shared(family).into_iter().chain(named),
                &self.policies,
                Check::Whole,
                family.method(),
            ));
        }
        // The empty name is no tool's; it stands for one that no policy names.
        for name in std::iter::once("").chain(self.slices.names(Family::Tools)) {
            if is_reserved(name) {
                continue;
            }
            let arguments = shape::Record::new();
            match self.environment(name, server, arguments, None) {
                Ok(environment) => complaints.extend(environment.check(
                    self.slices.of(Family::Tools, name),
                    &self.policies,
                    Check::WithoutArguments,
                    "a tool",
                )),
                Err(error) => complaints.push(refused(&error)),
            }
        }
        complaints.dedup_by(|one, other| one.file == other.file && one.line == other.line);
        complaints
    }

    /// Checks the policies of a tool against its schema.
    fn stand(
        &self,
        definition: &ToolDefinition,
        server: &str,
        complaints: &mut Vec<Complaint>,
    ) -> Standing {
        let name = definition.name();
        if is_reserved(name) {
            let text = format!("tool {name:?} has the name of a method and can't be called");
            complaints.push(refused(&text));
            return Standing::Invalid(refused(&text));
        }
        let arguments = shape::of_arguments(definition.input_schema());
        let environment = match self.environment(name, server, arguments, definition.annotations())
        {
            Ok(environment) => environment,
            Err(error) => {
                let complaint = refused(&format!("tool {name:?} can't be called: {error}"));
                complaints.push(complaint.clone());
                return Standing::Invalid(complaint);
            }
        };
        let slices = self.slices.of(Family::Tools, name);
        let what = format!("tool {name:?}");
        let found = environment.check(slices, &self.policies, Check::Whole, &what);
        match found.first().cloned() {
            None => Standing::Checked(Box::new(environment)),
            Some(first) => {
                complaints.extend(found);
                complaints.truncate(super::complaint::MAX_COMPLAINTS);
                Standing::Invalid(first)
            }
        }
    }

    fn environment(
        &self,
        name: &str,
        server: &str,
        arguments: shape::Record,
        annotations: Option<&Value>,
    ) -> Result<Environment, String> {
        let mentioned = mentioned(self.slices.of(Family::Tools, name), &self.policies);
        Environment::of_tool(name, server, arguments, annotations, &mentioned)
    }
}

fn refused(text: &str) -> Complaint {
    Complaint {
        severity: Severity::Error,
        file: "policies".to_owned(),
        line: 0,
        text: text.to_owned(),
    }
}
