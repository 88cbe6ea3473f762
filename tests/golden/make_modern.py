#!/usr/bin/env python3
"""Writes modern.lua: the layers and criterions that Torch7 did not have, as make_nn.py does for the others.

usage: make_modern.py > modern.lua
"""
import math
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from make_nn import pattern, write

def recurrent(f, x, p, states, layers=1, both=False, lengths=None):
    """y of a stack of torch.lstm, torch.gru, ...; with states given, y and the last states in one vector."""
    count = layers * (2 if both else 1)
    packed = lengths is not None
    if not states: states = [torch.zeros(count, x.shape[1], p[1].shape[1])] * (2 if f is torch.lstm else 1)
    hx = tuple(states) if f is torch.lstm else states[0]
    if not packed: return f(x, hx, p, True, layers, 0.0, True, both, False)
    sequence = pack_padded_sequence(x, lengths, enforce_sorted=False)
    order = lambda s: s.index_select(1, sequence.sorted_indices)
    hx = tuple(map(order, hx)) if f is torch.lstm else order(hx)
    out = f(sequence.data, sequence.batch_sizes, hx, p, True, layers, 0.0, True, both)
    y, _ = pad_packed_sequence(sequence._replace(data=out[0]), total_length=x.shape[0])
    return (y,) + tuple(s.index_select(1, sequence.unsorted_indices) for s in out[1:])

joined = lambda ts: torch.cat([t.reshape(-1) for t in ts])
first = lambda f, **o: lambda x, *p: recurrent(f, x, p, [], **o)[0]
def weights(gates, width, units, layers=1, both=False):
    shapes = []
    for layer in range(layers):
        for _ in range(2 if both else 1):
            shapes += [(gates * units, width), (gates * units, units), (gates * units,), (gates * units,)]
        width = units * (2 if both else 1)
    return shapes
lengths = lambda seed: pattern((3,), seed, "label4") + 1

def projections(n, norm=False): return [(n,), (n,)] * norm + [(3 * n, n), (3 * n,), (n, n), (n,)]
def feed(n, hidden): return [(n,), (n,), (hidden, n), (hidden,), (n, hidden), (n,)]
def causal(n): return torch.triu(torch.full((n, n), -math.inf), 1)

def attend(q, k, v, p, heads, mask=None):
    turn = lambda t: t.transpose(0, 1)
    y, _ = F.multi_head_attention_forward(turn(q), turn(k), turn(v), q.shape[2], heads, p[0], p[1], None, None, False, 0.0,
                                          p[2], p[3], attn_mask=mask, need_weights=False)
    return turn(y)

def transformer(x, p):
    n = x.shape[2]
    y = F.layer_norm(x, (n,), p[0], p[1])
    x = x + attend(y, y, y, p[2:6], 2, causal(x.shape[1]))
    return x + F.linear(F.gelu(F.linear(F.layer_norm(x, (n,), p[6], p[7]), p[8], p[9])), p[10], p[11])

def encoder(x, p):
    layer = torch.nn.TransformerEncoderLayer(x.shape[2], 3, 9, 0.0, F.relu, batch_first=True)
    names = ["self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight", "self_attn.out_proj.bias",
             "norm1.weight", "norm1.bias", "linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias", "norm2.weight",
             "norm2.bias"]
    return torch.func.functional_call(layer, dict(zip(names, p)), x)

def focal(x, t, gamma):
    p = F.softmax(x, 1).gather(1, t[:, None])[:, 0]
    return -(1 - p) ** gamma * p.log()

def ctc(x, t, **o):
    n = lambda k: torch.full((x.shape[1],), k)
    return F.ctc_loss(F.log_softmax(x, 2), t.long(), n(x.shape[0]), n(t.shape[1]), blank=4, **o)

def spectral(w): # w / s by fixed singular vectors
    m = w.reshape(w.shape[0], -1)
    u, v = (F.normalize(pattern((n,), 3), dim=0) for n in m.shape)
    return w / (u @ m @ v)

rows = {
    "RNN": (first(torch.rnn_tanh), [(4, 2, 3)], weights(1, 3, 5)),
    "RNN relu": (first(torch.rnn_relu), [(4, 2, 3)], weights(1, 3, 5)),
    "GRU": (first(torch.gru), [(4, 2, 3)], weights(3, 3, 5)),
    "GRU without bias": (lambda x, w, u: torch.gru(x, torch.zeros(1, 2, 5), (w, u), False, 1, 0.0, True, False, False)[0],
                         [(4, 2, 3)], weights(3, 3, 5)[:2]),
    "LSTM": (first(torch.lstm), [(4, 2, 3)], weights(4, 3, 5)),
    "LSTM batch first": (lambda x, *p: recurrent(torch.lstm, x.transpose(0, 1), p, [])[0].transpose(0, 1), [(2, 4, 3)],
                         weights(4, 3, 5)),
    "LSTM one sequence": (lambda x, *p: recurrent(torch.lstm, x[:, None], p, [])[0][:, 0], [(4, 3)], weights(4, 3, 5)),
    "GRU layers both ways": (first(torch.gru, layers=2, both=True), [(4, 2, 3)], weights(3, 3, 3, 2, True)),
    "LSTM layers both ways": (first(torch.lstm, layers=2, both=True), [(4, 2, 3)], weights(4, 3, 3, 2, True)),
    "GRU states": (lambda x, h, *p: joined(recurrent(torch.gru, x, p, [h], 2)), [(4, 2, 3), (2, 2, 5)], weights(3, 3, 5, 2)),
    "LSTM states": (lambda x, h, c, *p: joined(recurrent(torch.lstm, x, p, [h, c], 1, True)),
                    [(4, 2, 3), (2, 2, 5), (2, 2, 5)], weights(4, 3, 5, 1, True)),
    "LSTM lengths": (lambda x, *p: joined(recurrent(torch.lstm, x, p, [], 2, True, lengths(2))), [(4, 3, 3)],
                     weights(4, 3, 3, 2, True)),
    "GRU states and lengths": (lambda x, h, *p: joined(recurrent(torch.gru, x, p, [h], 1, True, lengths(3))),
                               [(4, 3, 3), (2, 3, 5)], weights(3, 3, 5, 1, True)),
    "MultiHeadAttention": (lambda x, *p: attend(x, x, x, p, 2), [(2, 5, 6)], projections(6)),
    "MultiHeadAttention causal": (lambda x, *p: attend(x, x, x, p, 3, causal(5)), [(2, 5, 6)], projections(6)),
    "MultiHeadAttention across": (lambda q, k, v, *p: attend(q, k, v, p, 2), [(2, 3, 6), (2, 5, 6), (2, 5, 6)], projections(6)),
    "MultiHeadAttention bias": (lambda q, k, v, *p: attend(q, k, v, p, 2, pattern((3, 5), 4)),
                                [(2, 3, 6), (2, 5, 6), (2, 5, 6)], projections(6)),
    "MultiHeadAttention without bias": (lambda x, w, o: attend(x, x, x, (w, None, o, None), 2), [(2, 5, 6)],
                                        projections(6)[::2]),
    "TransformerLayer": (lambda x, *p: transformer(x, p), [(2, 5, 6)], projections(6, norm=True) + feed(6, 9)),
    "TransformerLayer norm last": (lambda x, *p: encoder(x, p), [(2, 5, 6)],
                                   projections(6) + [(6,), (6,)] + feed(6, 9)[2:] + [(6,), (6,)]),
    "SpectralNorm": (lambda x, w, b: F.linear(x, spectral(w), b), [(3, 5)], [(4, 5), (4,)]),
    "SpectralNorm convolution": (lambda x, w, b: F.conv2d(x, spectral(w), b), [(2, 3, 4, 4)], [(2, 3, 3, 3), (2,)]),
    "LabelSmoothingCriterion": (lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2), [(4, 5), ((4,), "label5")], []),
    "LabelSmoothingCriterion weights": (lambda x, t: F.cross_entropy(x, t, pattern((5,), 21, "positive"), ignore_index=1,
                                                                     label_smoothing=0.2), [(4, 5), ((4,), "label5")], []),
    "LabelSmoothingCriterion sum": (lambda x, t: F.cross_entropy(x, t, reduction="sum", label_smoothing=0.2),
                                    [(4, 5), ((4,), "label5")], []),
    "FocalCriterion": (lambda x, t: focal(x, t, 2).mean(), [(4, 5), ((4,), "label5")], []),
    "FocalCriterion weights": (lambda x, t: (focal(x, t, 1.5) * pattern((5,), 21, "positive")[t])[t != 1].sum()
                               / pattern((5,), 21, "positive")[t][t != 1].sum(), [(4, 5), ((4,), "label5")], []),
    "CTCCriterion": (lambda x, t: ctc(x, t), [(5, 3, 5), ((3, 2), "label4")], []),
    "CTCCriterion sum": (lambda x, t: ctc(x, t, reduction="sum"), [(7, 2, 5), ((2, 3), "label4")], []),
    "CTCCriterion of one": (lambda x, t: ctc(x[:, None], t[None]), [(7, 5), ((3,), "label4")], []),
    "Checkpoint": (lambda x, w, b: torch.tanh(F.linear(x, w, b)), [(3, 5)], [(4, 5), (4,)]),
    "TripletMarginCriterion": (lambda a, p, n, t: F.triplet_margin_loss(a, p, n, 1.5), [(4, 5)] * 3 + [(4,)], []),
}

if __name__ == "__main__":
    write(rows, "make_modern.py")
