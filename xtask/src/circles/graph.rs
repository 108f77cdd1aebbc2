//! Which modules use which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::read::{Mention, Module, Source};

/// Re-exports followed at most: they may lead around.
const MOST_RE_EXPORTS: usize = 16;

/// The modules of a crate, each with those that it uses.
pub struct Graph {
    uses: BTreeMap<Module, BTreeSet<Module>>,
}

impl Graph {
    /// The graph of a crate's modules.
    pub fn new(sources: &BTreeMap<Module, Source>) -> Self {
        let resolver = Resolver::new(sources);
        let uses = sources.iter().map(|(module, source)| {
            let targets = source.mentions.iter();
            let targets = targets.filter_map(|mention| resolver.target(module, mention));
            (
                module.clone(),
                targets.filter(|target| target != module).collect(),
            )
        });
        Self {
            uses: uses.collect(),
        }
    }

    /// The shortest circle through the first module that is in one, in words.
    pub fn circle(&self) -> Option<String> {
        let circle = self.uses.keys().find_map(|module| self.way_back(module))?;
        let names: Vec<String> = circle.iter().map(name).collect();
        Some(names.join(" → "))
    }

    /// The shortest way from `module` to itself.
    fn way_back(&self, module: &Module) -> Option<Vec<Module>> {
        let mut from: BTreeMap<&Module, &Module> = BTreeMap::new();
        let mut waiting = VecDeque::from([module]);
        while let Some(here) = waiting.pop_front() {
            for next in self.uses.get(here).into_iter().flatten() {
                if next == module {
                    let mut way = vec![module.clone(), here.clone()];
                    while way[way.len() - 1] != *module {
                        way.push(from[&way[way.len() - 1]].clone());
                    }
                    way.reverse();
                    return Some(way);
                }
                if !from.contains_key(next) {
                    from.insert(next, here);
                    waiting.push_back(next);
                }
            }
        }
        None
    }
}

fn name(module: &Module) -> String {
    match module.is_empty() {
        true => "crate".into(),
        false => module.join("::"),
    }
}

/// Finds the module that defines what a path names.
struct Resolver<'a> {
    /// The names that `use` items of each module give to paths.
    names: BTreeMap<&'a Module, BTreeMap<&'a str, &'a Mention>>,
}

impl<'a> Resolver<'a> {
    fn new(sources: &'a BTreeMap<Module, Source>) -> Self {
        let names = sources.iter().map(|(module, source)| {
            let own = source.mentions.iter().filter(|m| m.within.is_empty());
            let names = own.filter_map(|m| Some((m.name.as_deref()?, m)));
            (module, names.collect())
        });
        Self {
            names: names.collect(),
        }
    }

    /// The module that a mention in `module` leads to, if it is one of this crate.
    fn target(&self, module: &Module, mention: &Mention) -> Option<Module> {
        self.follow(self.absolute(module, mention, 0)?, 0)
    }

    /// The path from the crate's root.
    fn absolute(&self, module: &Module, mention: &Mention, followed: usize) -> Option<Module> {
        let here = [module.as_slice(), &mention.within].concat();
        let (first, rest) = mention.path.split_first()?;
        let start = match first.as_str() {
            "crate" => Module::new(),
            "self" => here,
            "super" => {
                let supers = rest.iter().take_while(|part| *part == "super").count();
                let up = here.len().checked_sub(1 + supers)?;
                return Some([&here[..up], &rest[supers..]].concat());
            }
            child if self.is_module(&[&here[..], &[child.to_owned()]].concat()) => {
                [here, vec![child.to_owned()]].concat()
            }
            // What a `use` of this file calls so; a `use` itself does not go through another.
            other if mention.name.is_none() && followed < MOST_RE_EXPORTS => {
                let named = self.names.get(module)?.get(other)?;
                self.absolute(module, named, followed + 1)?
            }
            _ => return None,
        };
        Some([&start[..], rest].concat())
    }

    fn is_module(&self, path: &[String]) -> bool {
        self.names.contains_key(&path.to_vec())
    }

    /// The module that `path` is in, through re-exports.
    fn follow(&self, path: Module, followed: usize) -> Option<Module> {
        let length = (0..=path.len()).rev();
        let length = length.into_iter().find(|n| self.is_module(&path[..*n]))?;
        let (module, rest) = (path[..length].to_vec(), &path[length..]);
        let re_export = rest
            .first()
            .and_then(|name| self.names[&module].get(name.as_str()));
        match re_export {
            Some(mention) if followed < MOST_RE_EXPORTS => {
                let path = self.absolute(&module, mention, followed + 1)?;
                self.follow([&path[..], &rest[1..]].concat(), followed + 1)
            }
            _ => Some(module),
        }
    }
}
