"""Names of columns as exports of experiment trackers and published tables have them."""

from __future__ import annotations

import pytest

from modelsizer.optimizer.fitting.column_meanings import (
    loss_kind,
    parameters_kind,
    read_name,
    unit_of_loss,
)

TOTAL = """n;N;params;Parameters;n_params;numParams;parameter_count;Model Size;size;total_params;
#params;config/model/n_params;params.n_params;config.n_params.value;num_params_with_embedding"""
WITHOUT = """params_no_embed;N_no_emb;params_wo_embeddings;params w/o embeddings;noembed_params;noembed;
params_ex_embedding;params_excl_emb;params_minus_embeddings;backbone_params;nonEmbeddingParams;
non_embedding;N (non-emb.);Non-Embedding Params;embedding_excluded_params;n_nonemb;
num_params_without_embeddings;hyperparameters.params_no_embed;params (excluding embeddings);
parameters_without_embedding_layers;active_non_embedding_params;params_non_vocab;params_excl_embd;
params_without_token_embeddings;params_excluding_input_embeddings;embedding_free_params;
params excl. embedding and head"""
ACTIVE = "active_params;n_active;N_active;activatedParams;params_active_precise;Na"


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(";")]


@pytest.mark.parametrize(
    ("kind", "text"), [("total", TOTAL), ("non_embedding", WITHOUT), ("active", ACTIVE)]
)
def test_names_of_parameters_say_which(kind: str, text: str) -> None:
    for name in names(text):
        reading = read_name("N", name)
        assert reading is not None and reading.kind == kind, name
        assert parameters_kind(name) == kind, name
        assert reading.factor is None, name


@pytest.mark.parametrize(
    ("key", "factor", "text"),
    [
        ("N", 1e6, "params_M;params (M);paramsM;params_m;Parameters (millions);MParams;N (M);"
                   "Params (non-emb., M);params_1e6;model_size_in_millions;params / 1e6;params/M"),
        ("N", 1e9, "params_B;N_B;model_size_b;params_in_billions;Params [B];params (x10^9)"),
        ("D", 1e9, "tokens_B;tokens_in_billions;Tokens [B];BTokens;tokens (1e9);D (B);Gtokens;"
                   "train_tokens_bn;tokens * 1e-9;billions_of_tokens"),
        ("D", 1e12, "tokens_T;tokens (trillions)"),
        ("C", 1e9, "throughput/total_gflops;throughput/total_training_Gflops;GFLOPs;C (GFLOPs);"
                   "GFLOPs (1e9);gigaFLOPs;total gflops"),
        ("C", 1e12, "TFLOPs;teraflops"),
        ("C", 1e15, "throughput/total petaflops;PFLOPs;compute (PF)"),
        ("C", 1e18, "EFLOPs;C (1e18);flops_1e18;exaFLOPs;C/1e18;compute (x10^18 FLOPs);flops_e18"),
        ("C", 1e21, "ZFLOPs;zetta_flops;compute [10^21 FLOPs]"),
        ("C", 8.64e19, "PF-days;petaflop_s_days;compute (petaflop/s-days);training_compute_pf_days;"
                       "PFdays;pflops-days;PFLOP/s-days"),
        ("C", None, "C;FLOPs;train_flops;Training FLOP;train/total_flos;Training compute (FLOP);"
                    "compute;compute_budget;C_6ND"),
        ("D", None, "D;tokens;Training Tokens;throughput/total_tokens;num_input_tokens_seen;"
                    "metrics.tokens_seen;summary.tokens;throughput/total tokens"),
    ],
)  # fmt: skip
def test_units_are_read_from_names(key: str, factor: float | None, text: str) -> None:
    for name in names(text):
        reading = read_name(key, name)
        assert reading is not None, name
        assert reading.factor == factor, name


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("N", "embedding_params;params_per_layer;params_lr;params.lr;teacher.params;lora_params;"
              "n_heads;d_m;n_b;log_params;n_layers;n_total;expert_params;weights"),
        ("D", "tokens_per_second;eval/tokens;unique_tokens;tokens_per_batch;d_b;tokenizer;"
              "batch_tokens;d_model;val_tokens"),
        ("C", "throughput/flops_per_second;throughput/total_training_log_Gflops;C_no_emb;"
              "throughput/tflops;flops_per_token;peak_flops;compute_hours;mfu"),
        ("loss", "aux_loss;z_loss;loss_std;eval/loss_std;loss_scale;perplexity;loss_c4;eval/bpb;"
                 "loss_sequences_lower_95;grad_norm;predicted_loss;eval/load_balancing_loss"),
        ("width", "width_multiplier;n_width"),
    ],
)  # fmt: skip
def test_other_names_are_not_taken(key: str, text: str) -> None:
    for name in names(text):
        assert read_name(key, name) is None, name


def test_losses_say_of_which_text() -> None:
    for name in names("val_loss;eval/loss;metrics.val_loss;loss (val);valLoss;test_loss;"
                      "eval/c4_en-validation/CrossEntropyLoss;eval/paloma/macro_loss;"
                      "eval/lm/c4_en-validation/CE loss;C4 Eval Loss;heldout_loss"):  # fmt: skip
        reading = read_name("loss", name)
        assert reading is not None and reading.kind == loss_kind(name) == "held out", name
    for name in names("train/loss;train_loss;train/CE loss;train/CrossEntropyLoss"):
        reading = read_name("loss", name)
        assert reading is not None and reading.kind == loss_kind(name) == "training", name
    for name in names("loss;Final Loss;summary.loss;Loss (nats/token);cross_entropy;lm loss"):
        reading = read_name("loss", name)
        assert reading is not None and reading.kind == loss_kind(name) == "", name
    assert unit_of_loss("eval/bpb") == "bpb" and unit_of_loss("loss (bits/byte)") == "bits byte"
    assert unit_of_loss("val_ppl") == "perplexity" and unit_of_loss("val_loss") == ""


def test_shapes_are_read_however_nested_and_spelt() -> None:
    for key, text in {
        "width": "model.hidden_dim;hiddenSize;d_model;dModel;config/n_embd",
        "depth": "model.num_layers;numLayers;n_layers",
        "run": "tags.mlflow.runName;Name;run_id",
        "sequence": "config.seq_len;train_seq_len",
    }.items():
        for name in names(text):
            assert read_name(key, name) is not None, name
