// Network: a model made ready for this processor.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <camlite/image.hpp>
#include <camlite/kernels/operators.hpp>
#include <camlite/kernels/table.hpp>
#include <camlite/model/model.hpp>
#include <camlite/network/layer_info.hpp>
#include <camlite/network/lowering.hpp>
#include <camlite/network/program.hpp>
#include <camlite/network/workspace.hpp>
#include <camlite/parallel.hpp>
#include <camlite/prediction.hpp>
#include <camlite/preprocess.hpp>

#if !defined(CAMLITE_SEPARATE_KERNELS) || defined(CAMLITE_COMPILE_KERNELS)
#include <camlite/kernels/kernels.hpp>
#endif

namespace camlite {

// How a network runs: threads, memory, instructions. None of it changes what it computes, except
// for rounding.
struct NetworkOptions {
  int threads = 0;  // 0: default_threads()
  // Bytes, each for itself: of the weights as the kernels read them, of a workspace, and of a
  // picture on its way.
  Index memory_limit = Index{16} << 30;
  // The instruction set of the kernels; default_isa() unless given.
  std::optional<Isa> isa = {};
  // For tests and measurements: what computes the convolutions that it can compute, instead of what
  // is fastest.
  std::optional<ConvAlgorithm> convolution = {};
};

// What of a picture the network sees, and how large.
struct PredictOptions {
  // The input's shorter side in pixels, instead of the model's: twice the size gives a map twice as
  // fine. The picture is resized in the same proportion to it as the model asks, which must be of
  // those that resize pictures or take them whole. 0: the model's.
  Index size = 0;
  // The network sees the whole picture in its own proportions, instead of the square in its centre.
  bool whole_picture = false;
};

// Bytes that a network takes.
struct MemoryInfo {
  Index weights = 0;
  Index workspace = 0;  // one forward pass at a time
};

// A network that runs. Const after construction: many threads may call one at the same time, each
// call works in a workspace of its own. The same input gives the same bits, whatever the number of
// threads.
class Network {
 public:
  // Throws Error if the options make no sense, or the weights or a pass over the model's own input
  // take more than the memory limit; else the model was checked when it was made.
  explicit Network(Model model, const NetworkOptions& options = {})
      : model_(std::move(model)),
        target_(target(options)),
        program_(std::make_shared<const detail::Program>(
            detail::Lowering(model_, target_, options.memory_limit).lower())),
        memory_limit_(options.memory_limit),
        pool_(std::make_unique<Pool>()) {
    detail::check_memory(detail::make_plan(*program_, model_.graph(), model_.input_shape(), target_,
                                           model_.source()),
                         model_.source(), memory_limit_);
  }

  const Model& model() const { return model_; }
  int threads() const { return target_.threads; }
  Isa isa() const { return target_.kernels->isa; }
  Index memory_limit() const { return memory_limit_; }  // see NetworkOptions

  // What makes class activation maps, or, in head().missing, why there are none.
  const Head& head() const { return *program_->head; }
  bool has_cam_head() const { return head().missing.empty(); }

  // Throws Error, which says why, if there are none.
  void require_maps() const { detail::require_maps(head(), model_.source()); }

  // The features of an input (N, H, W, C): (N, h, w, C'). Throws Error if the network cannot take
  // the input, or has no CAM head.
  Shape features_shape(const Shape& input) const {
    require_maps();
    const std::vector<Shape> shapes =
        detail::value_shapes(*program_, model_.graph(), input, model_.source());
    return shapes[static_cast<std::size_t>(*program_->features)];
  }

  // use(workspace), with one that the network keeps for the next such call of any thread.
  template <class Use>
  auto with_workspace(const Use& use) const {
    Borrowed borrowed(*pool_);
    return use(borrowed.workspace);
  }

  // What the network sees in a picture. Throws Error.
  Prediction predict(const Image& picture, const PredictOptions& options = {}) const {
    return with_workspace(
        [&](Workspace& workspace) { return predict(picture, workspace, options); });
  }

  // The same in a workspace of the caller's.
  Prediction predict(const Image& picture, Workspace& workspace,
                     const PredictOptions& options = {}) const {
    if (model_.graph().channels != 3) {
      fail(model_.source(), ": pictures have 3 channels, the network's input has ",
           model_.graph().channels);
    }
    const Preprocessing how = preprocessing(options);
    const PreparedView prepared = prepared_view(picture.width(), picture.height(), how);
    check_memory(prepared);
    Tensor<float> input =
        Tensor<float>::uninitialized({1, prepared.crop.height, prepared.crop.width, 3});
    preprocess_into(picture, how, prepared, input.view());
    const Outputs outputs = forward(input, workspace);
    return prediction(outputs, 0, prepared.view);
  }

  // One pass: input (N, H, W, C), already preprocessed, any H and W that the graph can take. The
  // results lie in the workspace. Allocates nothing if the workspace knows the shape. Throws Error.
  Outputs forward(TensorView<const float> input, Workspace& workspace) const {
    detail::Plan& plan = workspace.plan_for(program_, model_.graph(), input.shape(), target_,
                                            model_.source(), memory_limit_);
    for (std::size_t s = 0; s < program_->steps.size(); ++s) run_step(s, input, plan, workspace);
    const auto result = [&](std::optional<Index> value) -> TensorView<const float> {
      if (!value) return {};
      if (*value == 0) return input;
      const auto v = static_cast<std::size_t>(*value);
      return {plan.data[v], plan.shapes[v]};
    };
    return {result(program_->features), rows(result(program_->logits)),
            rows(result(program_->probabilities))};
  }

  // Seconds that each of layers() takes in one pass. Throws as forward does.
  std::vector<double> layer_times(TensorView<const float> input, Workspace& workspace) const {
    using Clock = std::chrono::steady_clock;
    detail::Plan& plan = workspace.plan_for(program_, model_.graph(), input.shape(), target_,
                                            model_.source(), memory_limit_);
    std::vector<double> seconds;
    for (std::size_t s = 0; s < program_->steps.size(); ++s) {
      const Clock::time_point start = Clock::now();
      run_step(s, input, plan, workspace);
      seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
    return seconds;
  }

  // Picture n of a batch as a Prediction; `view` is the part of it that the input shows. Throws
  // Error if there is no such picture, or the result is not one number a class.
  Prediction prediction(const Outputs& outputs, Index n, const Box& view) const {
    const Shape& logits_shape = outputs.logits.shape();
    if (n < 0 || n >= logits_shape[0])
      fail(model_.source(), ": there is no picture ", n, " in a batch of ", logits_shape[0]);
    if (logits_shape[1] != model_.classes()) {
      fail(model_.source(), ": for an input of this size, the result is ", logits_shape[1],
           " numbers a picture and not one for each of the ", model_.classes(), " classes");
    }
    const auto copy = [&](TensorView<const float> batch) {
      const TensorView<const float> one = batch[n];
      return Tensor<float>(one.shape(), {one.data(), static_cast<std::size_t>(one.size())});
    };
    Tensor<float> logits = copy(outputs.logits);
    Tensor<float> probabilities =
        outputs.probabilities.size() > 0 ? copy(outputs.probabilities) : softmax<float>(logits);
    Tensor<float> features = has_cam_head() ? copy(outputs.features) : Tensor<float>();
    return {
        model_, program_->head, std::move(features), std::move(logits), std::move(probabilities),
        view};
  }

  // The layers in order, for an input of (N, H, W, C). Throws Error if the network cannot take it.
  std::vector<LayerInfo> layers(const Shape& input) const {
    return detail::layers_of(
        *program_, detail::value_shapes(*program_, model_.graph(), input, model_.source()),
        target_);
  }

  // Memory for inputs of (N, H, W, C).
  MemoryInfo memory(const Shape& input) const {
    MemoryInfo info;
    constexpr Index bytes = sizeof(float);
    for (const detail::Step& step : program_->steps) {
      for (const Tensor<float>& parameter : *step.parameters)
        info.weights += parameter.size() * bytes;
      if (step.conv) info.weights += step.conv->size() * bytes;
    }
    info.workspace =
        detail::make_plan(*program_, model_.graph(), input, target_, model_.source()).size * bytes;
    return info;
  }

 private:
  // Workspaces that wait for the next call of with_workspace.
  struct Pool {
    std::mutex mutex;
    std::vector<Workspace> free;
  };

  struct Borrowed {
    explicit Borrowed(Pool& from) : pool(from) {
      const std::lock_guard lock(pool.mutex);
      if (pool.free.empty()) return;
      workspace = std::move(pool.free.back());
      pool.free.pop_back();
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    ~Borrowed() {
      try {
        const std::lock_guard lock(pool.mutex);
        pool.free.push_back(std::move(workspace));
      } catch (...) {  // no room to keep it: the next call makes another
      }
    }
    Pool& pool;
    Workspace workspace;
  };

  // The resized picture and the input; what a model file asks for may be gigabytes.
  void check_memory(const PreparedView& prepared) const {
    const Index bytes = prepared.resized.height * prepared.resized.width * Image::channels +
                        prepared.crop.area() * Image::channels * static_cast<Index>(sizeof(float));
    if (bytes > memory_limit_) {
      fail(model_.source(), ": a picture resized to ", prepared.resized.str(),
           detail::above_memory_limit(bytes, memory_limit_));
    }
  }

  static detail::Target target(const NetworkOptions& options) {
    const int threads = options.threads == 0 ? default_threads() : options.threads;
    if (threads < 1 || threads > 4096)
      fail("threads must be between 1 and 4096, not ", options.threads);
    const Isa isa = options.isa ? *options.isa : default_isa();
    if (isa > supported_isa()) {
      fail("this processor has no ", isa_name(isa), ", it supports ", isa_name(supported_isa()),
           " at most");
    }
    return {&kernels::kernels_for(isa), options.convolution, threads};
  }

  void run_step(std::size_t s, TensorView<const float> input, detail::Plan& plan,
                Workspace& workspace) const {
    const detail::Step& step = program_->steps[s];
    if (std::holds_alternative<Constant>(step.op)) return;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] == 0) plan.inputs[s][i] = input;
    }
    const Arguments<float> a{plan.inputs[s],
                             plan.parameters[s],
                             plan.outputs[s],
                             workspace.block_.data() + plan.scratch,
                             threads(),
                             plan.input_pixels[s],
                             plan.pixels[static_cast<std::size_t>(step.output)]};
    if (step.conv) {
      step.conv->run(plan.convolutions[s], a);
      return;
    }
    const auto run_one = [&](const auto& op) {
      if constexpr (kernels::TakesActivation<std::decay_t<decltype(op)>>) {
        kernels::run(op, *target_.kernels, a, step.then);
      } else if constexpr (requires { kernels::run(op, *target_.kernels, a); }) {
        kernels::run(op, *target_.kernels, a);
      } else {
        op.run(a);
      }
    };
    std::visit(run_one, step.op);
  }

  // (N, 1, 1, K) as (N, K)
  static TensorView<const float> rows(TensorView<const float> result) {
    if (result.rank() < 2) return result;
    return result.reshaped(
        {result.extent(0), result.extent(0) == 0 ? 0 : result.size() / result.extent(0)});
  }

  Preprocessing preprocessing(const PredictOptions& options) const {
    Preprocessing how = model_.preprocessing();
    if (options.size < 0) fail("a picture size of ", options.size, " cannot be");
    const Size2d graph{model_.graph().height, model_.graph().width};
    const bool as_it_is = how.resize == Size2d(0) && how.crop == Size2d(0);
    const Size2d input = how.crop != Size2d(0) ? how.crop : as_it_is ? graph : how.resize;
    const Index shorter = std::min(input.height, input.width);
    const Index size = options.size == 0 ? shorter : options.size;
    const auto scaled = [&](Index extent) { return checked_product(extent, size) / shorter; };
    if (options.whole_picture || (as_it_is && options.size != 0)) {
      how.fit = Preprocessing::Fit::shorter_side;
      how.resize = size;
      how.crop = 0;
    } else if (options.size != 0) {
      if (how.resize == Size2d(0)) {
        fail(model_.source(), ": a size of ", options.size,
             " cannot be had: the model cuts its input out of pictures as they are");
      }
      how.resize = {scaled(how.resize.height), scaled(how.resize.width)};
      how.crop = {scaled(how.crop.height), scaled(how.crop.width)};
    }
    detail::check(how, model_.source());
    return how;
  }

  Model model_;
  detail::Target target_;
  std::shared_ptr<const detail::Program> program_;
  Index memory_limit_ = 0;
  std::unique_ptr<Pool> pool_;
};

}  // namespace camlite
