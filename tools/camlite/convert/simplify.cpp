// What simplify does, step by step.

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_set>

#include <camlite/model/fold.hpp>
#include <camlite/model/text.hpp>

#include "draft.hpp"

namespace camlite::tool {

class Simplifier {
 public:
  Simplifier(Draft& draft, ConversionReport& report) : draft_(draft), report_(report) {
    if (draft_.nodes_.empty()) fail(draft_.source_, ": there is no layer to convert");
    if (draft_.result_.empty()) draft_.result_ = draft_.nodes_.back().name;
  }

  void run() {
    remove_dead_ends();
    for (std::size_t i = 0; i < nodes().size();) {
      if (!simplify_node(i)) ++i;
    }
    if (nodes().empty()) fail(draft_.source_, ": no layer computes anything");
    put_result_last();
  }

 private:
  std::vector<DraftNode>& nodes() { return draft_.nodes_; }

  const Shape& shape(const std::string& value) const { return draft_.shapes_.at(value); }

  DraftNode* node(const std::string& name) {
    const auto found = std::find_if(nodes().begin(), nodes().end(),
                                    [&](const DraftNode& n) { return n.name == name; });
    return found == nodes().end() ? nullptr : &*found;
  }

  std::vector<const DraftNode*> readers(const std::string& name) {
    std::vector<const DraftNode*> list;
    for (const DraftNode& n : nodes()) {
      if (std::find(n.inputs.begin(), n.inputs.end(), name) != n.inputs.end()) list.push_back(&n);
    }
    return list;
  }

  // Whether only one node reads a value, and it is not the result.
  bool is_read_once(const std::string& name) {
    return name != draft_.result_ && readers(name).size() == 1;
  }

  void remove_dead_ends() {
    std::unordered_set<std::string> needed{draft_.result_};
    for (auto n = nodes().rbegin(); n != nodes().rend(); ++n) {
      if (needed.contains(n->name)) needed.insert(n->inputs.begin(), n->inputs.end());
    }
    std::erase_if(nodes(), [&](const DraftNode& n) {
      if (needed.contains(n.name)) return false;
      report_.dropped(n.name, "the result does not need it");
      return true;
    });
  }

  // Takes node i out: who reads it reads its input.
  void bypass(std::size_t i) {
    const std::string name = nodes()[i].name, input = nodes()[i].inputs[0];
    for (DraftNode& n : nodes()) std::replace(n.inputs.begin(), n.inputs.end(), name, input);
    if (draft_.result_ == name) draft_.result_ = input;
    nodes().erase(nodes().begin() + static_cast<std::ptrdiff_t>(i));
  }

  // Whether node i is gone.
  bool simplify_node(std::size_t i) {
    DraftNode& n = nodes()[i];
    const bool is_last_of_all = nodes().size() == 1;
    if (std::holds_alternative<Dropout>(n.op) && !is_last_of_all) {
      report_.dropped(n.name, "dropout does nothing outside of training");
      bypass(i);
      return true;
    }
    if (std::holds_alternative<Flatten>(n.op) && flattens_nothing(n)) {
      report_.dropped(n.name, "there is one vector a picture already");
      bypass(i);
      return true;
    }
    if (auto* pool = std::get_if<AvgPool2d>(&n.op); pool && averages_all(*pool, n)) {
      const Shape& in = shape(n.inputs[0]);
      n.op = GlobalAvgPool{};
      report_.changed(n.name,
                      text("averages the whole map of ", in[1], "x", in[2], ": global_avg_pool"));
    }
    if (auto* pool = std::get_if<MaxPool2d>(&n.op)) round_down(*pool, n);
    return fold_affine(i) || fold_padding(i);
  }

  // A convolution can pool windows that lie side by side at once, if the last ones are left out
  // where they do not fit.
  void round_down(MaxPool2d& pool, const DraftNode& n) {
    if (pool.rounding == Rounding::floor || pool.step() != pool.kernel) return;
    MaxPool2d down = pool;
    down.rounding = Rounding::floor;
    const Shape in = shape(n.inputs[0]);
    if (down.output_shape({&in, 1}) != shape(n.name)) return;
    report_.changed(n.name, text("its windows fit whole into the map of ", in[1], "x", in[2],
                                 ": rounded down for pictures of other sizes, too"));
    pool = down;
  }

  bool flattens_nothing(const DraftNode& n) {
    const Shape& in = shape(n.inputs[0]);
    if (in.rank() == 4 && (in[1] != 1 || in[2] != 1)) return false;
    const std::vector<const DraftNode*> behind = readers(n.name);
    return !behind.empty() && n.name != draft_.result_ &&
           std::all_of(behind.begin(), behind.end(), [](const DraftNode* reader) {
             return std::holds_alternative<Linear>(reader->op) ||
                    std::holds_alternative<Flatten>(reader->op);
           });
  }

  bool averages_all(const AvgPool2d& pool, const DraftNode& n) const {
    const Shape& in = shape(n.inputs[0]);
    return pool.padding == Size2d(0) && pool.kernel == Size2d(in[1], in[2]);
  }

  // Folds a batch normalization or scale into the layer before it.
  bool fold_affine(std::size_t i) {
    DraftNode& n = nodes()[i];
    const auto tensor = [&](std::string_view suffix) -> const Tensor<float>& {
      return n.tensor(suffix);
    };
    const std::optional<ChannelAffine> by = channel_affine(n.op, tensor);
    if (!by || !is_read_once(n.inputs[0])) return false;
    DraftNode* into = node(n.inputs[0]);
    if (!into) return false;
    const std::optional<bool> has_bias = foldable_bias(into->op);
    if (!has_bias) return false;
    if (!*has_bias) into->tensors.emplace_back("bias", Tensor<float>(Shape{std::ssize(by->scale)}));
    fold(*by, into->op, into->tensor("weight"), into->tensor("bias"));
    report_.folded(n.name, into->name);
    bypass(i);
    return true;
  }

  // Makes a padding the convolution's behind it.
  bool fold_padding(std::size_t i) {
    DraftNode& n = nodes()[i];
    const auto* pad = std::get_if<Pad>(&n.op);
    if (!pad || pad->value != 0 || pad->top != pad->bottom || pad->left != pad->right ||
        !is_read_once(n.name))
      return false;
    DraftNode* into = node(readers(n.name)[0]->name);
    auto* conv = std::get_if<Conv2d>(&into->op);
    if (!conv) return false;
    conv->padding = {conv->padding.height + pad->top, conv->padding.width + pad->left};
    report_.folded(n.name, into->name);
    bypass(i);
    return true;
  }

  // A graph's result is its last line.
  void put_result_last() {
    if (draft_.result_ == "input") fail(draft_.source_, ": no layer computes anything");
    remove_dead_ends();
    const auto last = std::find_if(nodes().begin(), nodes().end(),
                                   [&](const DraftNode& n) { return n.name == draft_.result_; });
    std::rotate(last, last + 1, nodes().end());
  }

  Draft& draft_;
  ConversionReport& report_;
};

void simplify(Draft& draft, ConversionReport& report) {
  Simplifier(draft, report).run();
}

}  // namespace camlite::tool
