//! What finding the 16 nearest centroids of a row costs: by the grouped matrix products of a build, and by a `usearch` graph
//! over the centroids.
//!
//! `cargo run --release -p qivf --example assignment -- base.npy [lists …]`
//!
//! Up to a fifth of the rows, lists come from k-means. Beyond, centroids and rows are drawn between rows that lie close.
//! Rows come as in a build: 1,024 of one coarse cluster at a time. One thread.

#[path = "npy/mod.rs"]
mod npy;

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use qivf::{Clusters, nearest};
use quantize::kmeans;
use quantize::rotation::{Rotation, SplitMix64};
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

const COUNT: usize = 16;
const JOB: usize = 1024;
const JOBS: usize = 32;
/// Rows of each job compared with everything.
const CHECKED: usize = 32;
static GO_ON: AtomicBool = AtomicBool::new(false);

type Found = Vec<Vec<(u32, f32)>>;

/// Unit length and rotated, as a build sees them.
fn prepare(m: &mut Array2<f32>) {
    let rotation = Rotation::new(m.ncols(), 1);
    for mut row in m.rows_mut() {
        let norm = row.dot(&row).sqrt();
        let mut wide: Vec<f64> = row.iter().map(|x| f64::from(x / norm)).collect();
        rotation.apply(&mut wide);
        row.iter_mut().zip(wide).for_each(|(x, w)| *x = w as f32);
    }
}

/// The members of each group.
fn members(points: ArrayView2<'_, f32>, coarse: &Array2<f32>) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); coarse.nrows()];
    let homes = kmeans::nearest(points, coarse.view(), &GO_ON).unwrap();
    for (row, home) in homes.into_iter().enumerate() {
        members[home as usize].push(row);
    }
    members
}

/// Draws points between rows that lie close.
struct Draw<'a> {
    base: &'a Array2<f32>,
    groups: Vec<Vec<usize>>,
    home: Vec<u32>,
    generator: SplitMix64,
}

impl<'a> Draw<'a> {
    fn new(base: &'a Array2<f32>) -> Self {
        let sample = base.slice(s![..;3, ..]);
        let coarse = kmeans::lloyd(sample, 250, 8, 1, &GO_ON).unwrap();
        let groups = members(base.view(), &coarse);
        let mut home = vec![0; base.nrows()];
        for (group, rows) in groups.iter().enumerate() {
            rows.iter().for_each(|row| home[*row] = group as u32);
        }
        Self {
            base,
            groups,
            home,
            generator: SplitMix64::new(7),
        }
    }

    fn near(&mut self, row: usize) -> ndarray::Array1<f32> {
        let x = self.base.row(row);
        let group = &self.groups[self.home[row] as usize];
        let mut best = (f32::NEG_INFINITY, row);
        for _ in 0..16 {
            let other = group[self.generator.below(group.len())];
            let dot = x.dot(&self.base.row(other));
            if other != row && dot > best.0 {
                best = (dot, other);
            }
        }
        let share = self.generator.below(1 << 16) as f32 / 131072.0;
        let mut point = &x + &((&self.base.row(best.1) - &x) * share);
        point /= point.dot(&point).sqrt();
        point
    }

    fn points(&mut self, among: &[usize], count: usize) -> Array2<f32> {
        let mut points = Array2::zeros((count, self.base.ncols()));
        for mut point in points.rows_mut() {
            let row = among[self.generator.below(among.len())];
            point.assign(&self.near(row));
        }
        points
    }
}

/// `lists` centroids and jobs of rows.
fn setting(base: &Array2<f32>, draw: &mut Draw<'_>, lists: usize) -> (Clusters, Vec<Array2<f32>>) {
    let count = (lists as f64).sqrt().round() as usize;
    let real = lists * 5 <= base.nrows();
    let all: Vec<usize> = (0..base.nrows()).collect();
    let points = if real {
        base.clone()
    } else {
        draw.points(&all, lists)
    };
    let step = (points.nrows() / (count * 256)).max(1);
    let coarse = kmeans::lloyd(points.slice(s![..;step, ..]), count, 8, 1, &GO_ON).unwrap();
    let grouped = members(points.view(), &coarse);
    let mut parts = Vec::new();
    let mut groups = Vec::new();
    let mut start = 0;
    for rows in &grouped {
        let mut part = points.select(Axis(0), rows);
        if real {
            let share = (lists * rows.len()) as f64 / points.nrows() as f64;
            part =
                kmeans::lloyd(part.view(), share.round().max(1.0) as usize, 8, 1, &GO_ON).unwrap();
        }
        groups.push(start..start + part.nrows());
        start += part.nrows();
        parts.push(part);
    }
    let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
    let centroids = concatenate(Axis(0), &views).unwrap();
    let rows_of = if real {
        grouped
    } else {
        members(base.view(), &coarse)
    };
    let mut jobs = Vec::new();
    for _ in 0..10 * JOBS {
        // Large groups have more rows.
        let row = draw.generator.below(base.nrows());
        let group = rows_of.iter().position(|r| r.contains(&row)).unwrap();
        let mut rows = if real {
            base.select(Axis(0), &rows_of[group])
        } else {
            let rows = draw.points(&rows_of[group], 4 * JOB);
            let own = &members(rows.view(), &coarse)[group];
            rows.select(Axis(0), own)
        };
        if rows.nrows() >= CHECKED {
            rows = rows.slice(s![..rows.nrows().min(JOB), ..]).to_owned();
            jobs.push(rows);
        }
        if jobs.len() == JOBS {
            break;
        }
    }
    let clusters = Clusters {
        centroids,
        groups,
        coarse,
        members: Vec::new(),
    };
    (clusters, jobs)
}

fn truth(jobs: &[Array2<f32>], centroids: &Array2<f32>) -> Vec<Vec<f32>> {
    let norms = kmeans::norms_squared(centroids.view());
    let mut all = Vec::new();
    for job in jobs {
        let dots = job.slice(s![..CHECKED, ..]).dot(&centroids.t());
        for dots in dots.rows() {
            let mut distances: Vec<f32> = dots
                .iter()
                .zip(&norms)
                .map(|(dot, norm)| norm - 2.0 * dot)
                .collect();
            distances.select_nth_unstable_by(COUNT, f32::total_cmp);
            distances.truncate(COUNT);
            distances.sort_by(f32::total_cmp);
            all.push(distances);
        }
    }
    all
}

/// Times `find` on every job and prints the microseconds a row and the quality.
fn report(
    name: &str,
    jobs: &[Array2<f32>],
    truth: &[Vec<f32>],
    find: impl Fn(&Array2<f32>) -> Found,
) {
    let (mut time, mut rows) = (0.0, 0);
    let (mut hits, mut first, mut asked) = (0, 0, 0);
    // Squared distances to the nearest centroid: rows have length 1.
    let (mut got, mut least) = (0.0, 0.0);
    for (job, truth) in jobs.iter().zip(truth.chunks(CHECKED)) {
        let start = Instant::now();
        let found = find(job);
        time += start.elapsed().as_secs_f64();
        rows += job.nrows();
        for (found, truth) in found.iter().zip(truth) {
            asked += found.len().max(1);
            let last = truth[found.len().max(1) - 1];
            hits += found.iter().filter(|f| f.1 <= last + 1e-5).count();
            got += 1.0 + found.first().map_or(1.0, |f| f.1);
            least += 1.0 + truth[0];
            first += usize::from(found.first().is_some_and(|f| f.1 <= truth[0] + 1e-5));
        }
    }
    println!(
        "  {name:28} {:7.1} µs a row; {:.4} of the nearest, first {:.4}, its distance² + {:.2} %",
        time * 1e6 / rows as f64,
        hits as f64 / asked as f64,
        first as f64 / truth.len() as f64,
        100.0 * (got / least - 1.0),
    );
}

fn to_i8(x: f32, scale: f32) -> i8 {
    (x * scale).round() as i8
}

/// As in the crate, but of any kind of number and expansion.
struct Graph<'a> {
    index: Index,
    centroids: &'a Array2<f32>,
    norms: ndarray::Array1<f32>,
    kind: ScalarKind,
    scale: f32,
}

impl<'a> Graph<'a> {
    fn build(centroids: &'a Array2<f32>, kind: ScalarKind) -> Self {
        let options = IndexOptions {
            dimensions: centroids.ncols(),
            metric: MetricKind::L2sq,
            quantization: kind,
            connectivity: 16,
            expansion_add: 128,
            expansion_search: 64,
            multi: false,
        };
        let index = Index::new(&options).unwrap();
        index
            .reserve_capacity_and_threads(centroids.nrows(), 1)
            .unwrap();
        let norms = kmeans::norms_squared(centroids.view());
        let deviation = (norms.sum() / centroids.len() as f32).sqrt();
        let scale = 127.0 / (4.5 * deviation);
        let graph = Self {
            index,
            centroids,
            norms,
            kind,
            scale,
        };
        let mut order: Vec<usize> = (0..centroids.nrows()).collect();
        let mut generator = SplitMix64::new(3);
        for i in (1..order.len()).rev() {
            order.swap(i, generator.below(i + 1));
        }
        for i in order {
            let row = centroids.row(i);
            if kind == ScalarKind::I8 {
                let codes: Vec<i8> = row.iter().map(|x| to_i8(*x, graph.scale)).collect();
                graph.index.add(i as u64, &codes).unwrap();
            } else {
                graph.index.add(i as u64, row.as_slice().unwrap()).unwrap();
            }
        }
        graph
    }

    fn find(&self, points: &Array2<f32>, count: usize) -> Found {
        let one = |point: ndarray::ArrayView1<'_, f32>| {
            let matches = if self.kind == ScalarKind::I8 {
                let codes: Vec<i8> = point.iter().map(|x| to_i8(*x, self.scale)).collect();
                self.index.search(&codes, count + count / 2).unwrap()
            } else {
                self.index.search(point.as_slice().unwrap(), count).unwrap()
            };
            let exact = |key: u64| {
                let dot = point.dot(&self.centroids.row(key as usize));
                (key as u32, self.norms[key as usize] - 2.0 * dot)
            };
            let mut found: Vec<_> = matches.keys.iter().map(|key| exact(*key)).collect();
            found.sort_by(|a, b| a.1.total_cmp(&b.1));
            found.truncate(count);
            found
        };
        points.rows().into_iter().map(one).collect()
    }
}

fn merged(found: Found, own: Found) -> Found {
    let both = found.into_iter().zip(own).map(|(mut a, b)| {
        let new: Vec<_> = b
            .into_iter()
            .filter(|b| a.iter().all(|a| a.0 != b.0))
            .collect();
        a.extend(new);
        a.sort_by(|a, b| a.1.total_cmp(&b.1));
        a.truncate(COUNT);
        a
    });
    both.collect()
}

/// What a graph of each kind finds, alone and together with the row's own coarse cluster.
fn graphs(clusters: &Clusters, jobs: &[Array2<f32>], truth: &[Vec<f32>]) {
    for kind in [ScalarKind::I8, ScalarKind::F32] {
        let start = Instant::now();
        let graph = Graph::build(&clusters.centroids, kind);
        let per_list = start.elapsed().as_secs_f64() * 1e6 / graph.index.size() as f64;
        println!(
            "  graph of {kind:?} ({} kernels): {per_list:.0} µs a list, {:.1} a row; {} bytes a list",
            graph.index.hardware_acceleration(),
            per_list / qivf::plan::ROWS_PER_LIST as f64,
            graph.index.memory_usage() / graph.index.size()
        );
        for expansion in [16, 32, 64, 128] {
            graph.index.change_expansion_search(expansion);
            let name = format!("expansion {expansion}");
            report(&name, jobs, truth, |job| graph.find(job, COUNT));
            report("  and own cluster", jobs, truth, |job| {
                merged(graph.find(job, COUNT), nearest(job, clusters, 1, COUNT))
            });
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut base = npy::read(&arguments[0]).unwrap();
    prepare(&mut base);
    let mut draw = Draw::new(&base);
    for lists in &arguments[1..] {
        let (clusters, jobs) = setting(&base, &mut draw, lists.parse().unwrap());
        let truth = truth(&jobs, &clusters.centroids);
        println!(
            "{} lists in {} coarse clusters; {} rows",
            clusters.centroids.nrows(),
            clusters.groups.len(),
            jobs.iter().map(|j| j.nrows()).sum::<usize>()
        );
        for around in [6, 12, 24] {
            let name = format!("products, around {around}");
            report(&name, &jobs, &truth, |job| {
                nearest(job, &clusters, around, COUNT)
            });
        }
        report("products, around 6, 1 asked", &jobs, &truth, |job| {
            nearest(job, &clusters, 6, 1)
        });
        graphs(&clusters, &jobs, &truth);
    }
}
