//! Walks over a module's parameters by path: collecting them for a checkpoint, replacing them from one.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result};
use bitspike_run::weights::Weights;

/// Moves a tensor's values out, without a copy where nobody else holds them.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("parameters and gradients are f32")
}

/// The path of the parameter that a walk stands at, such as `layers.0.query.weight`.
#[derive(Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

/// All parameters of `module` by path.
pub(crate) fn collect<M: Module>(module: &M) -> Weights {
    #[derive(Default)]
    struct Collector {
        path: Path,
        weights: Weights,
    }
    impl ModuleVisitor for Collector {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let data = param.val().inner().into_data();
            let shape = data.shape().to_vec();
            self.weights.insert(self.path.name(), &shape, data.try_into_vec::<f32>().expect("parameters are f32"));
        }
    }
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.weights
}

/// `module` with every parameter replaced by the array of its path.
pub(crate) fn replace<M: Module>(module: M, weights: &mut Weights) -> Result<M> {
    struct Replacer<'a> {
        path: Path,
        weights: &'a mut Weights,
        error: Option<Error>,
    }
    impl ModuleMapper for Replacer<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.exit();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.val().dims();
            match self.weights.take(&self.path.name(), &shape) {
                Ok(values) => param.map(|old| {
                    let new = Tensor::from_data(TensorData::new(values, shape), &old.device());
                    new.set_require_grad(old.is_require_grad())
                }),
                Err(error) => {
                    self.error.get_or_insert(error.into());
                    param
                }
            }
        }
    }
    let mut replacer = Replacer { path: Path::default(), weights, error: None };
    let module = module.map(&mut replacer);
    replacer.error.map_or(Ok(module), Err)
}
