//! Small symmetric systems in `f64`, solved by their eigenvectors: Jacobi's rotations (Golub and Van Loan, "Matrix Computations",
//! section 8.5), which find small eigenvalues as exactly as large ones.

/// Most sweeps over all pairs; a few suffice, since convergence is quadratic.
const SWEEPS: usize = 30;

/// Eigenvalues of a symmetric matrix, and the unit eigenvector of each.
pub(crate) struct Eigen {
    /// In no particular order.
    pub(crate) values: Vec<f64>,
    /// A vector a value.
    pub(crate) vectors: Vec<Vec<f64>>,
}

impl Eigen {
    /// Of the symmetric matrix of these rows.
    pub(crate) fn of(mut a: Vec<Vec<f64>>) -> Self {
        let n = a.len();
        let mut vectors: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        for _ in 0..SWEEPS {
            let mut still = true;
            for p in 0..n {
                for q in p + 1..n {
                    if a[p][q].abs() <= f64::EPSILON * (a[p][p] * a[q][q]).abs().sqrt() {
                        continue;
                    }
                    still = false;
                    // The rotation by the smaller of the two angles that make this entry zero.
                    let ratio = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                    let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                    let cosine = 1.0 / tangent.hypot(1.0);
                    let sine = tangent * cosine;
                    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
                    for row in &mut a {
                        (row[p], row[q]) = turn(row[p], row[q]);
                    }
                    for rows in [&mut a, &mut vectors] {
                        let [one, other] = rows.get_disjoint_mut([p, q]).expect("two of its rows");
                        for (x, y) in one.iter_mut().zip(other) {
                            (*x, *y) = turn(*x, *y);
                        }
                    }
                }
            }
            if still {
                break;
            }
        }
        Self { values: (0..n).map(|i| a[i][i]).collect(), vectors }
    }

    /// The shortest `x` that brings the matrix times `x` closest to `right`, eigenvalues of at most `least` taken for 0.
    pub(crate) fn solve(&self, right: &[f64], least: f64) -> Vec<f64> {
        let mut x = vec![0.0; right.len()];
        for (value, vector) in self.values.iter().zip(&self.vectors).filter(|(value, _)| value.abs() > least) {
            let along = vector.iter().zip(right).map(|(v, r)| v * r).sum::<f64>() / value;
            x.iter_mut().zip(vector).for_each(|(x, v)| *x += along * v);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// `W W^T` of a random `W [n, rank]`.
    fn gram(n: usize, rank: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let w: Vec<Vec<f64>> = (0..n).map(|_| (0..rank).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
        let dot = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum();
        w.iter().map(|a| w.iter().map(|b| dot(a, b)).collect()).collect()
    }

    fn times(a: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
        a.iter().map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
    }

    fn close(a: &[f64], b: &[f64]) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?}, not {b:?}");
    }

    #[test]
    fn vectors_are_stretched_by_their_values_and_solve_the_system() {
        for n in [0, 1, 2, 5, 8, 20] {
            let a = gram(n, n + 2, 3);
            let found = Eigen::of(a.clone());
            for (value, vector) in found.values.iter().zip(&found.vectors) {
                close(&times(&a, vector), &vector.iter().map(|v| v * value).collect::<Vec<_>>());
                assert!((vector.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-12);
            }
            let x: Vec<f64> = (0..n).map(|i| i as f64 - 1.5).collect();
            close(&found.solve(&times(&a, &x), 1e-10), &x);
        }
    }

    #[test]
    fn what_has_no_single_answer_gets_the_shortest() {
        // The same column twice: its weight is shared.
        let found = Eigen::of(vec![vec![2.0, 2.0], vec![2.0, 2.0]]);
        close(&found.solve(&[4.0, 4.0], 1e-9), &[1.0, 1.0]);
        close(&Eigen::of(vec![vec![0.0; 3]; 3]).solve(&[1.0; 3], 1e-9), &[0.0; 3]);
        let a = gram(6, 3, 5);
        let right = times(&a, &[1.0, -2.0, 0.5, 0.0, 3.0, 1.0]);
        let x = Eigen::of(a.clone()).solve(&right, 1e-9);
        close(&times(&a, &x), &right);
    }

    #[test]
    fn known_values_are_found_also_where_they_differ_by_much() {
        let mut values = Eigen::of(vec![vec![2.0, -1.0, 0.0], vec![-1.0, 2.0, -1.0], vec![0.0, -1.0, 2.0]]).values;
        values.sort_by(f64::total_cmp);
        close(&values, &[2.0 - 2f64.sqrt(), 2.0, 2.0 + 2f64.sqrt()]);
        let found = Eigen::of(vec![vec![1e12, 1.0], vec![1.0, 1e-3]]).values;
        assert!((found[0] - 1e12).abs() < 1.0 && (found[1] - (1e-3 - 1e-12)).abs() < 1e-12, "{found:?}");
    }
}
