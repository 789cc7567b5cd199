//! Fixed points `x = G(x)` of maps that are only known by evaluation: plain iteration, Anderson acceleration, Broyden's method.
//!
//! Anderson, J. ACM 12 (1965) 547, in the form of Walker and Ni, SIAM J. Numer. Anal. 49 (2011) 1715; Broyden, Math. Comp. 19
//! (1965) 577, with the inverse kept as rank-one updates as in deep equilibrium models (Bai, Kolter and Koltun, arXiv
//! 1909.01377).

use std::collections::VecDeque;

use bitspike::config::Solver;

use crate::error::Result;
use crate::symmetric::Eigen;

/// When a solver stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Relative residual `|G(x) - x| / |G(x)|` at which it is done.
    pub tolerance: f64,
    /// Most evaluations of `G`.
    pub max_iterations: u32,
    /// Earlier iterates that it combines.
    pub memory: usize,
}

/// What a solver found.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The iterate of the smallest residual.
    pub x: Vec<f32>,
    /// How it went.
    pub report: SolveReport,
}

/// How a solve went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SolveReport {
    /// Evaluations of `G`.
    pub iterations: u32,
    /// Smallest relative residual; infinite where no iterate was finite.
    pub residual: f64,
    /// Whether the tolerance was met.
    pub converged: bool,
    /// Whether it ended further from a solution than it had been: the last residual is no number, or ten times the smallest.
    pub diverged: bool,
}

/// Solves `x = G(x)` from `x0`. A solve that does not converge returns its best iterate and says so in the report.
///
/// # Errors
/// Those of `map`.
pub fn solve(
    solver: Solver,
    x0: Vec<f32>,
    limits: Limits,
    mut map: impl FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Result<Solution> {
    let mut method: Box<dyn Method> = match solver {
        Solver::Plain => Box::new(Plain),
        Solver::Anderson => Box::new(Anderson { memory: limits.memory, past: VecDeque::new() }),
        Solver::Broyden => Box::new(Broyden { memory: limits.memory, last: None, updates: Vec::new() }),
    };
    let mut best = Solution {
        x: x0.clone(),
        report: SolveReport { iterations: 0, residual: f64::INFINITY, ..SolveReport::default() },
    };
    let mut x = x0;
    for iteration in 1..=limits.max_iterations {
        let g = map(&x)?;
        best.report.iterations = iteration;
        let f: Vec<f32> = g.iter().zip(&x).map(|(g, x)| g - x).collect();
        let size = norm(&g);
        let residual = if size == 0.0 { norm(&f) } else { norm(&f) / size };
        if !residual.is_finite() {
            // Overflow: nothing further can be learnt from here on.
            best.report.diverged = true;
            return Ok(best);
        }
        if residual < best.report.residual {
            best.report.residual = residual;
            best.x.clone_from(&x);
        }
        best.report.diverged = residual > 10.0 * best.report.residual;
        if best.report.diverged {
            // A step that threw the iterate far away: what was learnt on the way misleads.
            method.forget();
        }
        if residual <= limits.tolerance {
            best.report.converged = true;
            return Ok(best);
        }
        x = method.next(&x, &g, &f);
    }
    Ok(best)
}

/// A rule for the next iterate from the last one, its image and their difference.
trait Method {
    fn next(&mut self, x: &[f32], g: &[f32], f: &[f32]) -> Vec<f32>;
    fn forget(&mut self);
}

struct Plain;

impl Method for Plain {
    fn next(&mut self, _x: &[f32], g: &[f32], _f: &[f32]) -> Vec<f32> {
        g.to_vec()
    }

    fn forget(&mut self) {}
}

/// Combines the last images so that the same combination of their differences is smallest.
struct Anderson {
    memory: usize,
    past: VecDeque<(Vec<f32>, Vec<f32>)>,
}

impl Method for Anderson {
    fn next(&mut self, _x: &[f32], g: &[f32], f: &[f32]) -> Vec<f32> {
        // Coefficients of the changes of f that best explain f itself.
        let changes: Vec<Vec<f32>> = self.past.iter().map(|(_, old)| difference(f, old)).collect();
        let gram: Vec<Vec<f64>> = changes.iter().map(|a| changes.iter().map(|b| dot(a, b)).collect()).collect();
        let right: Vec<f64> = changes.iter().map(|change| dot(change, f)).collect();
        let scale = gram.iter().enumerate().map(|(i, row)| row[i]).fold(0.0, f64::max);
        let mut next = g.to_vec();
        if scale > 0.0 {
            for (weight, (old, _)) in Eigen::of(gram).solve(&right, 1e-10 * scale).iter().zip(&self.past) {
                next.iter_mut().zip(g.iter().zip(old)).for_each(|(next, (g, old))| *next -= *weight as f32 * (g - old));
            }
        }
        self.past.push_back((g.to_vec(), f.to_vec()));
        if self.past.len() > self.memory {
            self.past.pop_front();
        }
        next
    }

    fn forget(&mut self) {
        self.past.clear();
    }
}

/// Keeps an approximate inverse `H` of the derivative of `f = G - x`, at first `-1`, as `-1 + sum of u v^T`.
struct Broyden {
    memory: usize,
    last: Option<(Vec<f32>, Vec<f32>)>,
    updates: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Broyden {
    fn inverse(&self, y: &[f32]) -> Vec<f32> {
        let mut out: Vec<f32> = y.iter().map(|y| -y).collect();
        for (u, v) in &self.updates {
            let along = dot(v, y) as f32;
            out.iter_mut().zip(u).for_each(|(out, u)| *out += along * u);
        }
        out
    }

    fn inverse_transposed(&self, y: &[f32]) -> Vec<f32> {
        let mut out: Vec<f32> = y.iter().map(|y| -y).collect();
        for (u, v) in &self.updates {
            let along = dot(u, y) as f32;
            out.iter_mut().zip(v).for_each(|(out, v)| *out += along * v);
        }
        out
    }
}

impl Method for Broyden {
    fn next(&mut self, x: &[f32], _g: &[f32], f: &[f32]) -> Vec<f32> {
        if let Some((old_x, old_f)) = self.last.take() {
            if self.updates.len() == self.memory {
                self.updates.clear();
            }
            let (dx, df) = (difference(x, &old_x), difference(f, &old_f));
            let (inverse, v) = (self.inverse(&df), self.inverse_transposed(&dx));
            let along = dot(&v, &df);
            if along.abs() > 1e-12 * norm(&v) * norm(&df) {
                let u = dx.iter().zip(&inverse).map(|(dx, h)| (dx - h) / along as f32).collect();
                self.updates.push((u, v));
            }
        }
        self.last = Some((x.to_vec(), f.to_vec()));
        x.iter().zip(self.inverse(f)).map(|(x, step)| x - step).collect()
    }

    fn forget(&mut self) {
        self.updates.clear();
        self.last = None;
    }
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Euclidean norm.
pub(crate) fn norm(x: &[f32]) -> f64 {
    dot(x, x).sqrt()
}

/// Largest singular value of `w` `[rows, columns]` with its left and right vectors, by power iteration from a fixed start.
pub(crate) fn largest_singular_value(w: &[f32], [rows, columns]: [usize; 2]) -> (f64, Vec<f32>, Vec<f32>) {
    // Any start that is not orthogonal to the answer will do; irregular entries are practically never.
    let mut v: Vec<f32> = (0..columns).map(|i| ((i * i + 1) as f32).sin()).collect();
    let mut u = vec![0.0; rows];
    let mut sigma = 0.0;
    for _ in 0..200 {
        let length = norm(&v).max(f64::MIN_POSITIVE) as f32;
        v.iter_mut().for_each(|v| *v /= length);
        u = w.chunks_exact(columns).map(|row| dot(row, &v) as f32).collect();
        let found = norm(&u);
        if found == 0.0 {
            return (0.0, u, v);
        }
        u.iter_mut().for_each(|u| *u /= found as f32);
        let mut next = vec![0.0f32; columns];
        for (row, &u) in w.chunks_exact(columns).zip(&u) {
            next.iter_mut().zip(row).for_each(|(next, w)| *next += u * w);
        }
        v = next;
        if (found - sigma).abs() <= 1e-7 * found {
            sigma = found;
            break;
        }
        sigma = found;
    }
    let length = norm(&v).max(f64::MIN_POSITIVE) as f32;
    v.iter_mut().for_each(|v| *v /= length);
    (sigma, u, v)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const ALL: [Solver; 3] = [Solver::Plain, Solver::Anderson, Solver::Broyden];

    fn limits(max_iterations: u32) -> Limits {
        Limits { tolerance: 1e-6, max_iterations, memory: 8 }
    }

    /// `G(x) = A x + b` with a random `A` of the given largest singular value.
    fn affine(size: usize, norm: f64, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let any: Vec<f32> = (0..size * size).map(|_| rng.random_range(-1.0..1.0)).collect();
        // Symmetric, so that its eigenvalues are as large as its norm.
        let mut a: Vec<f32> = (0..size * size).map(|i| any[i] + any[i % size * size + i / size]).collect();
        let (sigma, _, _) = largest_singular_value(&a, [size, size]);
        a.iter_mut().for_each(|a| *a *= (norm / sigma) as f32);
        (a, (0..size).map(|_| rng.random_range(-1.0..1.0)).collect())
    }

    fn apply(a: &[f32], b: &[f32], x: &[f32]) -> Vec<f32> {
        a.chunks_exact(b.len()).zip(b).map(|(row, &b)| dot(row, x) as f32 + b).collect()
    }

    #[test]
    fn contractions_are_solved_and_acceleration_is_faster() {
        let (a, b) = affine(60, 0.95, 1);
        let entry = |i: usize, j: usize| f64::from(u8::from(i == j)) - f64::from(a[i * 60 + j]);
        let matrix = (0..60).map(|i| (0..60).map(|j| entry(i, j)).collect()).collect();
        let exact = Eigen::of(matrix).solve(&b.iter().map(|&b| f64::from(b)).collect::<Vec<_>>(), 0.0);
        let mut iterations = Vec::new();
        for solver in ALL {
            let found = solve(solver, vec![0.0; 60], limits(500), |x| Ok(apply(&a, &b, x))).unwrap();
            assert!(found.report.converged, "{solver:?}: {:?}", found.report);
            // (1 - A) x = b by direct solution.
            for (x, exact) in found.x.iter().zip(&exact) {
                assert!((f64::from(*x) - exact).abs() < 1e-4 * (1.0 + exact.abs()), "{solver:?}: {x}, not {exact}");
            }
            iterations.push(found.report.iterations);
        }
        assert!(2 * iterations[1] < iterations[0] && 2 * iterations[2] < iterations[0], "{iterations:?}");
    }

    #[test]
    fn maps_that_do_not_contract_need_acceleration() {
        // Eigenvalues -1.5 and 0.5: plain iteration moves away from the fixed point, which exists.
        let map = |x: &[f32]| Ok(vec![-1.5 * x[0] + 5.0, 0.5 * x[1] + 1.0]);
        let plain = solve(Solver::Plain, vec![0.0, 0.0], limits(60), map).unwrap().report;
        assert!(!plain.converged, "{plain:?}");
        for solver in [Solver::Anderson, Solver::Broyden] {
            let found = solve(solver, vec![0.0, 0.0], limits(60), map).unwrap();
            assert!(found.report.converged, "{solver:?}: {:?}", found.report);
            assert!((found.x[0] - 2.0).abs() < 1e-4 && (found.x[1] - 2.0).abs() < 1e-4, "{:?}", found.x);
        }
    }

    #[test]
    fn curved_maps_are_solved() {
        for solver in ALL {
            let found = solve(solver, vec![1.0; 3], limits(200), |x| Ok(x.iter().map(|x| x.cos()).collect())).unwrap();
            assert!(found.report.converged, "{solver:?}: {:?}", found.report);
            assert!(found.x.iter().all(|x| (x - 0.739_085_1).abs() < 1e-5), "{:?}", found.x);
        }
    }

    #[test]
    fn what_does_not_converge_is_said() {
        for solver in ALL {
            let none = solve(solver, vec![1.0], limits(25), |x| Ok(vec![x[0] + 1.0])).unwrap().report;
            assert!(!none.converged && none.iterations <= 25 && none.residual > 1e-6, "{solver:?}: {none:?}");
            let overflow = solve(solver, vec![1.0], limits(500), |x| Ok(vec![x[0] * x[0] * 4.0 + 1.0])).unwrap().report;
            assert!(!overflow.converged && (overflow.diverged || solver != Solver::Plain), "{solver:?}: {overflow:?}");
            let nan = solve(solver, vec![1.0], limits(5), |_| Ok(vec![f32::NAN])).unwrap();
            assert!(!nan.report.converged && nan.report.diverged && nan.report.residual == f64::INFINITY);
            assert_eq!(nan.x, [1.0]);
        }
    }

    #[test]
    fn the_largest_singular_value_is_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for shape in [[1, 1], [7, 3], [20, 31]] {
            let w: Vec<f32> = (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
            let rows: Vec<&[f32]> = w.chunks_exact(shape[1]).collect();
            let squares = Eigen::of(rows.iter().map(|a| rows.iter().map(|b| dot(a, b)).collect()).collect()).values;
            let exact = squares.into_iter().fold(0.0, f64::max).sqrt();
            let (sigma, u, v) = largest_singular_value(&w, shape);
            assert!((sigma - exact).abs() < 1e-3 * exact, "{shape:?}: {sigma}, not {exact}");
            let along: f64 = w.chunks_exact(shape[1]).zip(&u).map(|(row, &u)| dot(row, &v) * f64::from(u)).sum();
            assert!((along - sigma).abs() < 1e-3 * sigma);
        }
        assert_eq!(largest_singular_value(&[0.0; 6], [2, 3]).0, 0.0);
    }
}
