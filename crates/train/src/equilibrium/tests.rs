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
