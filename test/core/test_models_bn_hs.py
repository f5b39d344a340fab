"""The networks with batch normalisation and Hardswish, against their specification in words."""

import math

import pytest
import torch
import torch.nn.functional as F
from order_one_weights import draw_order_one_weights

from edgenext_core.models import create_model
from edgenext_core.models.configs import BACKBONES

NAMES = [name for name in BACKBONES if name.endswith('_bn_hs')]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


class StepByStep:
    """The forward of the authors' three networks, one statement a step, on nothing but tensors."""

    def __init__(self, weights, config):
        self.weights, self.config = weights, config

    def logits(self, x):
        x = self.batch_norm(self.conv(x, 'stem.0', stride=4), 'stem.1')
        for stage in range(4):
            if stage > 0:
                x = self.batch_norm(x, f'stages.{stage}.downsample.0')
                x = self.conv(x, f'stages.{stage}.downsample.1', stride=2)
            convs = self.config.depths[stage] - self.config.sdta_blocks[stage]
            for block in range(self.config.depths[stage]):
                name = f'stages.{stage}.blocks.{block}'
                x = self.conv_block(x, name) if block < convs else self.sdta_block(x, name, stage)
        x = self.batch_norm(x, 'head.norm').mean((2, 3))  # normalised as a map, then pooled
        return self.linear(x, 'head.fc')

    def conv_block(self, x, name):
        kernel = self.weights[f'{name}.conv_dw.weight']
        y = F.conv2d(x, kernel, padding=kernel.shape[2] // 2, groups=len(kernel))  # no bias
        return x + self.mlp(self.batch_norm(y, f'{name}.norm'), name)

    def sdta_block(self, x, name, stage):
        chunks = x.split(math.ceil(x.shape[1] / self.config.splits[stage]), dim=1)
        done = []
        for index, chunk in enumerate(chunks[:-1]):
            y = chunk if index == 0 else chunk + done[-1]
            done.append(F.conv2d(y, self.weights[f'{name}.convs.{index}.weight'],
                                 self.weights[f'{name}.convs.{index}.bias'], padding=1,
                                 groups=y.shape[1]))
        t = self.batch_norm(torch.cat([*done, chunks[-1]], dim=1), f'{name}.norm_xca')
        if stage == 1:
            t = t + self.position_encoding(*t.shape[2:], name=f'{name}.pos_embd')
        attended = self.attention(t, f'{name}.xca')  # of the normalised map itself
        t = t + self.weights[f'{name}.gamma_xca'][:, None, None] * attended
        return x + self.mlp(self.batch_norm(t, f'{name}.norm'), name)

    def attention(self, x, name):
        batch, channels, height, width = x.shape
        heads = self.config.heads
        qkv = self.linear(x.flatten(2).transpose(1, 2), f'{name}.qkv')
        q, k, v = (part.transpose(1, 2).reshape(batch, heads, channels // heads, -1)
                   for part in qkv.split(channels, dim=2))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        weights = (q @ k.transpose(2, 3) * self.weights[f'{name}.temperature']).softmax(-1)
        y = (weights @ v).reshape(batch, channels, -1).transpose(1, 2)
        return self.linear(y, f'{name}.proj').transpose(1, 2).reshape(x.shape)

    def mlp(self, x, name):
        y = F.hardswish(self.linear(x.permute(0, 2, 3, 1), f'{name}.mlp.fc1'))
        y = self.weights[f'{name}.gamma'] * self.linear(y, f'{name}.mlp.fc2')
        return y.permute(0, 3, 1, 2)

    def position_encoding(self, height, width, *, name):
        waves = torch.zeros(1, 64, height, width)
        for i in range(32):
            wave = torch.cos if i % 2 else torch.sin
            divisor = 10000 ** (2 * (i // 2) / 32)
            y = torch.arange(1, height + 1) / (height + 1e-6) * 2 * math.pi
            x = torch.arange(1, width + 1) / (width + 1e-6) * 2 * math.pi
            waves[0, i], waves[0, 32 + i] = wave(y / divisor)[:, None], wave(x / divisor)
        return self.conv(waves, f'{name}.token_projection')

    def conv(self, x, name, *, stride=1):
        return F.conv2d(x, self.weights[f'{name}.weight'], self.weights.get(f'{name}.bias'),
                        stride=stride)

    def linear(self, x, name):
        return x @ self.weights[f'{name}.weight'].T + self.weights[f'{name}.bias']

    def batch_norm(self, x, name):
        mean, variance, weight, bias = (
            self.weights[f'{name}.{part}'][:, None, None]
            for part in ('running_mean', 'running_var', 'weight', 'bias'))
        return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


@pytest.mark.parametrize('name', NAMES)
@torch.no_grad()
def test_the_forward_follows_the_specification_step_by_step(name):
    model = draw_order_one_weights(create_model(name, num_classes=10))
    images = torch.randn(2, 3, 96, 128)
    expected = StepByStep(model.state_dict(), BACKBONES[name]).logits(images)
    torch.testing.assert_close(model(images), expected, rtol=1e-5,
                               atol=1e-5 * expected.std().item())


@pytest.mark.parametrize('name', NAMES)
def test_only_convolutions_in_front_of_a_norm_lose_their_bias(name):
    with torch.device('meta'):
        model = create_model(name)
    without = {name for name, module in model.named_modules()
               if getattr(module, 'bias', 0) is None}
    assert without == {name for name, _ in model.named_modules()
                       if name == 'stem.0' or name.endswith(('downsample.1', 'conv_dw'))}


def test_training_moves_the_statistics_by_a_tenth():
    model = create_model('edgenext_xx_small_bn_hs')
    norm = model.stem[1]
    assert (norm.eps, norm.momentum) == (1e-5, 0.1)
