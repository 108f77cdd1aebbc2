//! Running a search, step by step.

use std::cell::Cell;
use std::rc::Rc;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::arguments::Arguments;
use super::cache::{self, Entry, Key};
use super::choice::{Stages, choose, has_index_for};
use super::filter::{Filter, c_string};
use super::query::{GivenRanges, Inputs};
use super::relation::{Relation, look_up};
use super::statement::{Argument, build};
use super::text;
use crate::errors::{OrRaise, raise};
use crate::spi::{
    self, Call, Locked, NewPlan, Parameters, Placeholders, Plan, PlanText, Receiver, Step, Steps,
};

/// Below this many rows one plan serves every query though rows are compared with a parameter: planning anew would cost
/// more than a constant saves.
const FEW_ROWS: f64 = 2000.0;

/// A search up to its columns.
struct Prepared {
    arguments: Arguments,
    role: pg_sys::Oid,
    /// Whether a snapshot was pushed.
    has_snapshot: bool,
    /// The number of changes before anything was looked at.
    generation: u64,
}

impl Prepared {
    /// Checks the arguments and locks the relation. When that took waiting, what was committed meanwhile counts: the
    /// statement's own snapshot would miss every row of a table that was rewritten.
    fn begin(call: &Call) -> Self {
        spi::watch(cache::changed);
        let arguments = Arguments::of(call);
        let generation = spi::generation();
        let has_snapshot = match spi::lock_for_reading(arguments.relation) {
            Locked::AtOnce => false,
            Locked::AfterWaiting => !spi::in_one_snapshot(),
            Locked::Gone => raise(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                "the relation to search does not exist any more",
            ),
        };
        if has_snapshot {
            spi::push_latest_snapshot();
        }
        Self {
            arguments,
            role: spi::current_role(),
            has_snapshot,
            generation,
        }
    }

    /// What is known about the relation, and whether it may be kept.
    fn relation(&self) -> (Rc<Relation>, bool) {
        let oid = self.arguments.relation;
        if let Some(relation) = cache::relation(self.role, oid) {
            return (relation, true);
        }
        let (relation, may_be_kept) = look_up(oid);
        let relation = Rc::new(relation);
        let may_be_kept = may_be_kept && spi::generation() == self.generation;
        if may_be_kept {
            cache::keep_relation(self.role, oid, &relation);
        }
        (relation, may_be_kept)
    }

    fn filter(&self, relation: &Relation) -> Option<Filter> {
        let shape = &self.arguments.shape;
        // Values without a filter are a mistake like values without a parameter.
        if shape.filter.is_none() && shape.filter_params.is_none_or(|count| count == 0) {
            return None;
        }
        let filter = shape.filter.as_deref().unwrap_or("true");
        Some(Filter::new(relation, filter, shape.filter_params))
    }

    fn ranges(&self, stages: &Stages<'_>) -> Option<GivenRanges> {
        let ranges = self.arguments.ranges.as_ref()?;
        GivenRanges::check(ranges, stages, &self.arguments.shape)
    }

    fn check_queries(&self) {
        for query in self.arguments.queries() {
            quantize::check_embedding(query).or_raise();
        }
    }

    fn end(&self) {
        if self.has_snapshot {
            spi::pop_snapshot();
        }
    }
}

/// What comes next.
enum Phase {
    /// Choosing the columns, unless there is a plan.
    Choose,
    /// The filter has been analysed.
    Judge,
    /// The statement has been prepared.
    Keep,
    /// The parameters are to be made.
    Bind,
    /// The query of this number is next.
    Run(usize),
}

/// `semantic_search`.
pub struct Search {
    prepared: Prepared,
    receiver: Receiver,
    phase: Phase,
    key: Key,
    entry: Option<Rc<Entry>>,
    relation: Option<(Rc<Relation>, bool)>,
    filter: Option<Box<Filter>>,
    statement: Option<(PlanText, Vec<pg_sys::Oid>, Vec<Argument>)>,
    bound: Option<Bound>,
}

/// The parameters, and what they are made from.
struct Bound {
    parameters: Box<Parameters>,
    ranges: Option<GivenRanges>,
}

impl Steps for Search {
    fn begin(call: Call) -> Self {
        let receiver = Receiver::new(&call);
        let prepared = Prepared::begin(&call);
        let shape = prepared.arguments.shape.clone();
        let key = Key {
            relation: prepared.arguments.relation,
            role: prepared.role,
            search_path: shape.filter.as_ref().map(|_| spi::search_path()),
            shape,
        };
        Self {
            entry: cache::plan(&key),
            prepared,
            receiver,
            phase: Phase::Choose,
            key,
            relation: None,
            filter: None,
            statement: None,
            bound: None,
        }
    }

    fn step(&mut self) -> Step {
        loop {
            match self.phase {
                Phase::Choose if self.entry.is_some() => self.phase = Phase::Bind,
                Phase::Choose => {
                    let (relation, may_be_kept) = self.prepared.relation();
                    let stages = choose(&relation, &self.key.shape);
                    self.prepared.ranges(&stages);
                    self.filter = self.prepared.filter(&relation).map(Box::new);
                    self.relation = Some((relation, may_be_kept));
                    if self.prepared.arguments.query.is_none() {
                        return Step::Done;
                    }
                    self.prepared.check_queries();
                    self.phase = Phase::Judge;
                    match &mut self.filter {
                        Some(filter) => return filter.analyse(),
                        None => return self.prepare(),
                    }
                }
                Phase::Judge => return self.prepare(),
                Phase::Keep => unreachable!("the plan has been kept when it was prepared"),
                Phase::Bind => {
                    if self.prepared.arguments.query.is_none() {
                        return Step::Done;
                    }
                    self.prepared.check_queries();
                    self.bind();
                    self.phase = Phase::Run(0);
                }
                Phase::Run(number) => {
                    self.phase = Phase::Run(number + 1);
                    return self.run(number);
                }
            }
        }
    }

    fn prepared(&mut self, plan: NewPlan) {
        match self.phase {
            Phase::Judge => {
                if let Some(filter) = &self.filter {
                    filter.judge(&Placeholders::shape_of(plan));
                }
            }
            _ => self.keep(plan),
        }
    }

    fn finish(&mut self) -> Option<pg_sys::Datum> {
        self.prepared.end();
        None
    }
}

impl Search {
    /// Builds the statement and has it prepared.
    fn prepare(&mut self) -> Step {
        self.phase = Phase::Keep;
        let Some((relation, _)) = &self.relation else {
            unreachable!("the columns have been chosen");
        };
        let shape = &self.key.shape;
        let stages = choose(relation, shape);
        let mut types = self
            .filter
            .as_ref()
            .map_or(Vec::new(), |filter| filter.types());
        let before = types.len();
        let mut arguments = Vec::new();
        let text = build(relation, &stages, shape, &mut |argument| {
            let place = arguments
                .iter()
                .position(|&known| known == argument)
                .unwrap_or_else(|| {
                    arguments.push(argument);
                    arguments.len() - 1
                });
            format!("${}", before + place + 1)
        });
        types.extend(
            arguments
                .iter()
                .map(|&argument| Inputs::type_of(&stages, argument)),
        );
        let is_generic = match before {
            0 => Some(one_plan_serves(relation, &stages, &self.prepared.arguments)),
            _ => None,
        };
        let plan = PlanText::new(c_string(&text), types.clone(), is_generic);
        let (plan, ..) = self.statement.insert((plan, types, arguments));
        Step::prepare(plan)
    }

    fn keep(&mut self, plan: NewPlan) {
        let (Some((relation, may_be_kept)), Some((_, types, arguments))) =
            (self.relation.take(), self.statement.take())
        else {
            unreachable!("a statement was prepared");
        };
        let entry = Rc::new(Entry {
            relation,
            arguments,
            types,
            plan: Plan::keep(plan),
            is_stale: Cell::new(false),
        });
        if may_be_kept && spi::generation() == self.prepared.generation {
            cache::keep_plan(self.key.clone(), &entry);
        }
        self.entry = Some(entry);
        self.phase = Phase::Bind;
    }

    /// Makes the parameters that are the same for every query.
    fn bind(&mut self) {
        let Some(entry) = &self.entry else {
            unreachable!("there is a plan");
        };
        let stages = choose(&entry.relation, &self.key.shape);
        let ranges = self.prepared.ranges(&stages);
        let mut parameters = Box::new(Parameters::new(&entry.types, &self.receiver));
        let values = &self.prepared.arguments.filter_params;
        for (place, value) in values.iter().enumerate() {
            parameters.read(place, value.as_deref());
        }
        self.bound = Some(Bound { parameters, ranges });
        self.set(0, Inputs::is_constant);
    }

    fn run(&mut self, number: usize) -> Step {
        if number >= self.prepared.arguments.queries().len() {
            return Step::Done;
        }
        self.set(number, |argument| !Inputs::is_constant(argument));
        match (&self.entry, &self.bound) {
            (Some(entry), Some(bound)) => Step::execute(&entry.plan, bound.parameters.options()),
            _ => unreachable!("the parameters have been made"),
        }
    }

    /// Sets those of the parameters that are asked for, as the query of this number has them.
    fn set(&mut self, number: usize, which: impl Fn(Argument) -> bool) {
        let (Some(entry), Some(bound)) = (&self.entry, &mut self.bound) else {
            unreachable!("there is a plan");
        };
        let Some(query) = self.prepared.arguments.queries().nth(number) else {
            return;
        };
        let inputs = Inputs {
            stages: choose(&entry.relation, &self.key.shape),
            shape: &self.key.shape,
            ranges: bound.ranges.as_ref(),
            query,
            number: number as i32,
            min_score: self
                .prepared
                .arguments
                .min_score
                .unwrap_or(f32::NEG_INFINITY),
        };
        let before = entry.types.len() - entry.arguments.len();
        for (place, &argument) in entry.arguments.iter().enumerate() {
            if which(argument) {
                bound.parameters.set(before + place, inputs.value(argument));
            }
        }
    }
}

/// Whether one plan serves every query: where an index does the work, and where there is little to do.
fn one_plan_serves(relation: &Relation, stages: &Stages<'_>, arguments: &Arguments) -> bool {
    let shape = &arguments.shape;
    !shape.exact && has_index_for(stages.scanned(), shape.metric)
        || relation.rows.is_some_and(|rows| rows < FEW_ROWS)
}

/// `semantic_search_sql`.
pub struct Explanation {
    prepared: Prepared,
    relation: Rc<Relation>,
    filter: Option<Box<Filter>>,
    is_judged: bool,
}

impl Steps for Explanation {
    fn begin(call: Call) -> Self {
        let prepared = Prepared::begin(&call);
        let (relation, _) = prepared.relation();
        choose(&relation, &prepared.arguments.shape);
        let filter = prepared.filter(&relation).map(Box::new);
        if let Some(query) = prepared.arguments.queries().next() {
            quantize::check_embedding(query).or_raise();
        }
        Self {
            prepared,
            relation,
            filter,
            is_judged: false,
        }
    }

    fn step(&mut self) -> Step {
        match &mut self.filter {
            Some(filter) if !self.is_judged => filter.analyse(),
            _ => Step::Done,
        }
    }

    fn prepared(&mut self, plan: NewPlan) {
        if let Some(filter) = &self.filter {
            filter.judge(&Placeholders::shape_of(plan));
        }
        self.is_judged = true;
    }

    fn finish(&mut self) -> Option<pg_sys::Datum> {
        let arguments = &mut self.prepared.arguments;
        if let Some(filter) = &self.filter {
            arguments.shape.filter = Some(filter.with_values(&arguments.filter_params));
        }
        let stages = choose(&self.relation, &self.prepared.arguments.shape);
        let ranges = self.prepared.ranges(&stages);
        let text = text::statement(
            &self.relation,
            &stages,
            &self.prepared.arguments,
            ranges.as_ref(),
        );
        self.prepared.end();
        Some(spi::text_datum(&text))
    }
}
