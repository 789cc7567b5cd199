//! Which neurons of a sentence are watched.

use crate::error::{Error, Result};
use crate::order::order;

/// A neuron whose membrane is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeuronName {
    /// Name of its population.
    pub population: String,
    /// Position in the sentence; 0 is `[CLS]`.
    pub token: usize,
    /// Number within the token, below the population's width.
    pub neuron: usize,
}

/// Sorts the `wanted` neurons by population: for each of `populations` (name and width) the chosen tokens and neurons, in the
/// order wanted and without repetition.
///
/// # Errors
/// [`Error::Invalid`] for a population, token or neuron that does not exist; the message says which do.
pub(crate) fn choose(
    wanted: &[NeuronName],
    populations: &[(&str, usize)],
    tokens: usize,
) -> Result<Vec<Vec<(usize, usize)>>> {
    let mut chosen = vec![Vec::new(); populations.len()];
    for name in wanted {
        let Some(i) = populations.iter().position(|(population, _)| *population == name.population) else {
            let known: Vec<&str> = populations.iter().map(|(name, _)| *name).collect();
            return Err(Error::invalid("population", known.join(", "), format!("`{}`", name.population)));
        };
        let at = (name.token, name.neuron);
        check_neuron(&name.population, (tokens, populations[i].1), at)?;
        if !chosen[i].contains(&at) {
            chosen[i].push(at);
        }
    }
    Ok(chosen)
}

/// Neurons of the first and of the last population whose membranes are kept unless some are wanted.
const DEFAULT_NEURONS: usize = 2;

/// The most active neurons of `[CLS]` in the first and the last population, given the rates at equilibrium.
pub(crate) fn default_neurons(populations: &[(&str, usize)], equilibrium: &[Vec<f32>]) -> Vec<NeuronName> {
    let most = |((name, width), rates): (&(&str, usize), &Vec<f32>)| -> Vec<NeuronName> {
        let neurons = most_active(rates, *width, DEFAULT_NEURONS);
        neurons.into_iter().map(|neuron| NeuronName { population: (*name).to_owned(), token: 0, neuron }).collect()
    };
    let both = || populations.iter().zip(equilibrium);
    both().take(1).chain(both().skip(1).last()).flat_map(most).collect()
}

/// `count` neurons of `[CLS]` that are worth watching, given rates at `equilibrium` (`[L, width]`): the most active of those that
/// rest at least every fourth step, `|a*| <= 3/4`; then busier ones, whose potential tells little; silent ones last. Of equals
/// the lower number is first.
pub(crate) fn most_active(equilibrium: &[f32], width: usize, count: usize) -> Vec<usize> {
    let cls = &equilibrium[..width.min(equilibrium.len())];
    let rank = |i: usize| match cls[i].abs() {
        0.0 => (2, 0.0),
        rate if rate > 0.75 => (1, rate),
        rate => (0, -rate),
    };
    let mut order = order(cls.len(), &|a, b| {
        let ((class_a, a), (class_b, b)) = (rank(a), rank(b));
        class_a.cmp(&class_b).then(a.total_cmp(&b))
    });
    order.truncate(count);
    order
}

/// Refuses a token or a neuron that a population of `width` neurons a token does not have.
pub(super) fn check_neuron(
    population: &str,
    (tokens, width): (usize, usize),
    (token, neuron): (usize, usize),
) -> Result<()> {
    let fail = |what: &str, range: String, found| Err(Error::invalid(format!("{what} of {population}"), range, found));
    if token >= tokens {
        return fail("token", format!("0 to {} (the sentence has {tokens} tokens)", tokens.saturating_sub(1)), token);
    }
    if neuron >= width {
        return fail("neuron", format!("0 to {}", width.saturating_sub(1)), neuron);
    }
    Ok(())
}
