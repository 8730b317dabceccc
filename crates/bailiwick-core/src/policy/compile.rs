//! Compiling: texts of policies to a set that can be asked, or every problem they have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use cedar_policy::{PolicyId, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use crate::names::Digest;
use crate::shown::{shown, told};

use super::bounds;
use super::question::Vocabulary;
use super::rule::{BadRule, Rule};
use super::slices::Slices;

/// What every policy is validated against.
pub const SCHEMA: &str = include_str!("schema.cedarschema");
/// The default policies: file name and text.
pub const DEFAULTS: [(&str, &str); 3] = [
    ("default/issue.cedar", include_str!("default/issue.cedar")),
    ("default/change.cedar", include_str!("default/change.cedar")),
    ("default/access.cedar", include_str!("default/access.cedar")),
];
/// The default policies and those of an estate, ready to be asked.
///
/// Always: every policy fits the schema in Cedar's strict mode, has an id of its own, and no
/// template is among them.
#[derive(Clone, Debug)]
pub struct PolicySet {
    pub(super) schema: Schema,
    pub(super) words: Vocabulary,
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) slices: Slices,
    digest: Digest,
}

/// What is wrong with one policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyProblem {
    /// The file, as it was handed in.
    pub file: String,
    /// Where in the file, in octets; `None`: the file as a whole.
    pub span: Option<(usize, usize)>,
    /// What kind of problem.
    pub kind: PolicyProblemKind,
    /// What is wrong, in words.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// Kinds of problem in policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum PolicyProblemKind {
    /// Too long or too deep to be read.
    TooBig,
    /// Not Cedar.
    Syntax,
    /// A policy with slots.
    Template,
    /// It does not fit the schema.
    Schema,
    /// An annotation is missing, unknown or has a bad value.
    Annotation,
    /// Two policies have one id.
    Duplicate,
    /// It holds for a zone or a profile that the estate does not have.
    Scope,
    /// The default policies are damaged: a fault of this build.
    Build,
}

impl PolicyProblemKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooBig => "policy-too-big",
            Self::Syntax => "policy-syntax",
            Self::Template => "policy-template",
            Self::Schema => "policy-schema",
            Self::Annotation => "policy-annotation",
            Self::Duplicate => "policy-duplicate",
            Self::Scope => "policy-scope",
            Self::Build => "policy-build",
        }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", shown(&self.file), self.message, self.remedy)
    }
}

impl PolicySet {
    /// Compiles the default policies together with those of an estate (file name to text).
    ///
    /// # Errors
    /// Every [`PolicyProblem`] of every file.
    pub fn compile(policies: &BTreeMap<String, String>) -> Result<Self, Vec<PolicyProblem>> {
        let Some(base) = BASE.as_ref() else {
            return Err(vec![build_problem("the default policies of this build cannot be read")]);
        };
        let mut found = base.found.clone();
        let own = policies.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        for (file, text) in own.clone() {
            found.file(file, text);
        }
        found.validate(&base.schema);
        if !found.problems.is_empty() {
            return Err(found.problems);
        }
        let slices = Slices::of(found.policies.values(), &found.rules)
            .map_err(|()| vec![build_problem("the policies cannot be put together")])?;
        let files: Vec<(&str, &str)> = DEFAULTS.into_iter().chain(own).collect();
        let (schema, words) = (base.schema.clone(), base.words.clone());
        Ok(Self { schema, words, rules: found.rules, slices, digest: digest(&files) })
    }

    /// The digest of the schema and of every policy: what a decision is stored with.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The policies that hold in a zone or for a profile there is none of: they would never be
    /// asked, which nobody who wrote one means.
    #[must_use]
    pub fn misplaced(
        &self,
        zone: &dyn Fn(&str) -> bool,
        profile: &dyn Fn(&str) -> bool,
    ) -> Vec<PolicyProblem> {
        let mut problems = Vec::new();
        for rule in self.rules.values() {
            let in_zone = rule.zone.as_ref().map(ToString::to_string);
            let missing_zone = in_zone.filter(|name| !zone(name)).map(|name| ("zone", name));
            let for_profile = rule.profile.as_ref().map(ToString::to_string);
            let missing_profile = for_profile.filter(|id| !profile(id)).map(|id| ("profile", id));
            for (kind, id) in missing_zone.into_iter().chain(missing_profile) {
                problems.push(PolicyProblem {
                    file: rule.source.clone(),
                    span: rule.span.map(|(at, _)| (at, 1)),
                    kind: PolicyProblemKind::Scope,
                    message: format!(
                        "policy `{}` holds for {kind} `{id}`, and there is none",
                        rule.id
                    ),
                    remedy: format!("correct its `@{kind}`, or remove the policy"),
                });
            }
        }
        problems
    }

    /// The rules that may be set aside by an exception.
    #[must_use]
    pub fn excepted_rules(&self) -> BTreeSet<&crate::estate::RuleId> {
        self.rules.values().filter(|rule| rule.excepted).map(|rule| &rule.rule).collect()
    }

    /// Every rule.
    #[must_use]
    pub fn rule_ids(&self) -> BTreeSet<&crate::estate::RuleId> {
        self.rules.values().map(|rule| &rule.rule).collect()
    }
}

/// What every set begins with. The same in every installation, so it is read once.
struct Base {
    schema: Schema,
    words: Vocabulary,
    found: Found,
}

static BASE: LazyLock<Option<Base>> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).ok()?;
    let words = Vocabulary::new().ok()?;
    let mut found = Found::default();
    for (file, text) in DEFAULTS {
        found.file(file, text);
    }
    found.problems.is_empty().then_some(Base { schema, words, found })
});

fn digest(files: &[(&str, &str)]) -> Digest {
    let mut octets = Vec::new();
    for text in
        ["bailiwick/policy/v1", SCHEMA].into_iter().chain(files.iter().flat_map(|f| [f.0, f.1]))
    {
        octets.extend(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        octets.extend(text.as_bytes());
    }
    Digest::of(&octets)
}

fn build_problem(message: &str) -> PolicyProblem {
    PolicyProblem {
        file: "default".to_owned(),
        span: None,
        kind: PolicyProblemKind::Build,
        message: message.to_owned(),
        remedy: "this is a fault of the build; report it".to_owned(),
    }
}

#[derive(Clone, Default)]
struct Found {
    problems: Vec<PolicyProblem>,
    rules: BTreeMap<String, Rule>,
    policies: BTreeMap<String, cedar_policy::Policy>,
}

impl Found {
    fn file(&mut self, file: &str, text: &str) {
        if !bounds::fits(text) {
            let message = format!(
                "the file has more than {} characters, or one of its policies too many operators",
                bounds::FILE_CHARS_MAX
            );
            self.add(file, None, PolicyProblemKind::TooBig, message, "split or simplify it");
            return;
        }
        let set = match text.parse::<cedar_policy::PolicySet>() {
            Ok(set) => set,
            Err(errors) => {
                for error in errors.iter() {
                    let help = error.help().map(|help| help.to_string());
                    let remedy = help.unwrap_or_else(|| "correct the text".to_owned());
                    let kind = PolicyProblemKind::Syntax;
                    self.add(file, span(error), kind, error.to_string(), &remedy);
                }
                return;
            }
        };
        for template in set.templates() {
            let span = find(text, &template.to_cedar(), 0);
            let message = "a template has open slots".to_owned();
            let remedy = "write the policy out, or compare with facts instead";
            self.add(file, span, PolicyProblemKind::Template, message, remedy);
        }
        let mut from = 0;
        for policy in in_order(&set) {
            let span = policy.to_cedar().and_then(|own| find(text, &own, from));
            from = span.map_or(from, |(at, length)| at.saturating_add(length));
            self.policy(file, policy, span);
        }
    }

    fn policy(&mut self, file: &str, policy: &cedar_policy::Policy, span: Option<(usize, usize)>) {
        let kind = PolicyProblemKind::Annotation;
        match Rule::read(policy, file, span) {
            Err(bad) => {
                for bad in bad {
                    let (message, remedy) = said(&bad);
                    self.add(file, span.map(|(at, _)| (at, 1)), kind, message, &remedy);
                }
            }
            Ok(rule) if self.rules.contains_key(&rule.id) => {
                let message = format!("there are two policies with the id `{}`", rule.id);
                let kind = PolicyProblemKind::Duplicate;
                self.add(file, span.map(|(at, _)| (at, 1)), kind, message, "give one another id");
            }
            Ok(rule) => {
                self.policies.insert(rule.id.clone(), policy.new_id(PolicyId::new(&rule.id)));
                self.rules.insert(rule.id.clone(), rule);
            }
        }
    }

    /// Validates the policies of the estate. The default ones are the same in every installation,
    /// and a test of this build validates them: looking again would cost most of a start.
    fn validate(&mut self, schema: &Schema) {
        let is_own = |id: &str| {
            let source = self.rules.get(id).map_or("", |rule| rule.source.as_str());
            !DEFAULTS.iter().any(|(file, _)| *file == source)
        };
        let own = self.policies.iter().filter(|(id, _)| is_own(id)).map(|(_, it)| it.clone());
        let Ok(set) = cedar_policy::PolicySet::from_policies(own) else {
            self.problems.push(build_problem("the policies cannot be put together"));
            return;
        };
        let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        for error in result.validation_errors() {
            let id: &str = error.policy_id().as_ref();
            let file = self.rules.get(id).map_or("default", |rule| rule.source.as_str()).to_owned();
            let whole = || self.rules.get(id).and_then(|rule| rule.span).map(|(at, _)| (at, 1));
            let span = span(error).or_else(whole);
            let help = error.help().map(|help| help.to_string());
            let remedy = help.unwrap_or_else(|| {
                "compare with the schema; ask `has` before an attribute that may be unknown"
                    .to_owned()
            });
            self.add(&file, span, PolicyProblemKind::Schema, error.to_string(), &remedy);
        }
    }

    fn add(
        &mut self,
        file: &str,
        span: Option<(usize, usize)>,
        kind: PolicyProblemKind,
        message: String,
        remedy: &str,
    ) {
        // Cedar repeats what it does not understand, and so do our own words about annotations.
        let (message, remedy) = (told(&message).to_string(), told(remedy).to_string());
        let file = file.to_owned();
        self.problems.push(PolicyProblem { file, span, kind, message, remedy });
    }
}

/// The policies in the order of the file: Cedar numbers them `policy0`, `policy1` and so on.
fn in_order(set: &cedar_policy::PolicySet) -> Vec<&cedar_policy::Policy> {
    let number = |policy: &&cedar_policy::Policy| {
        let id: &str = policy.id().as_ref();
        id.strip_prefix("policy").and_then(|number| number.parse::<usize>().ok())
    };
    let mut policies: Vec<_> = set.policies().collect();
    policies.sort_by_key(number);
    policies
}

fn find(text: &str, part: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    Some((from.saturating_add(rest.find(part)?), part.len()))
}

fn span(error: &impl Diagnostic) -> Option<(usize, usize)> {
    let label = error.labels()?.next()?;
    Some((label.offset(), label.len()))
}

fn said(bad: &BadRule) -> (String, String) {
    match bad {
        BadRule::NoId => (
            "the policy has no id".to_owned(),
            "write `@id(\"…\")` above it: a refusal names its rule".to_owned(),
        ),
        BadRule::Value { annotation, value, expected } => {
            (format!("`@{annotation}(\"{value}\")` is not understood"), format!("write {expected}"))
        }
        BadRule::Annotation { name } => (
            format!("there is no annotation `@{name}` for this policy"),
            "use `@id`, `@rule`, `@control`, `@grantable`, `@exception`, `@fact`, `@remedy`, \
             `@zone`, `@profile`, and `@clause_1` and so on for the clauses of a permit"
                .to_owned(),
        ),
        BadRule::Brace { annotation } => (
            format!("a brace in `@{annotation}` has no other half"),
            "write facts as `{name}`".to_owned(),
        ),
        BadRule::Key { annotation, key } => (
            format!("there is no fact `{{{key}}}` for `@{annotation}`"),
            "use a fact of the question, such as `{name}`, `{zone}` or `{service}`".to_owned(),
        ),
        BadRule::Clauses => (
            "the permit has too many clauses".to_owned(),
            "split it into several permits".to_owned(),
        ),
    }
}
