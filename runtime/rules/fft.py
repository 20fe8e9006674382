"""What are the derivatives of Fourier transforms?  They are linear; the adjoint is the inverse, scaled.

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.fft.fft).kind
'linear'

The adjoint of a transform scaled one way is the other transform scaled the other way: ``numerics.dual_norm``.
"""

from __future__ import annotations

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import rule


@rule(np.fft.fft, linear=("a",))
def fft(z_bar, z, a, n=None, axis=-1, norm=None):
    a_bar = numerics.refit(np.fft.ifft(z_bar, None, axis, numerics.dual_norm(norm)), a)
    return a_bar


@rule(np.fft.ifft, linear=("a",))
def ifft(z_bar, z, a, n=None, axis=-1, norm=None):
    a_bar = numerics.refit(np.fft.fft(z_bar, None, axis, numerics.dual_norm(norm)), a)
    return a_bar


@rule(np.fft.fft2, linear=("a",))
def fft2(z_bar, z, a, s=None, axes=(-2, -1), norm=None):
    a_bar = numerics.refit(np.fft.ifft2(z_bar, None, axes, numerics.dual_norm(norm)), a)
    return a_bar


@rule(np.fft.ifft2, linear=("a",))
def ifft2(z_bar, z, a, s=None, axes=(-2, -1), norm=None):
    a_bar = numerics.refit(np.fft.fft2(z_bar, None, axes, numerics.dual_norm(norm)), a)
    return a_bar


@rule(np.fft.fftn, linear=("a",))
def fftn(z_bar, z, a, s=None, axes=None, norm=None):
    a_bar = numerics.refit(np.fft.ifftn(z_bar, None, axes, numerics.dual_norm(norm)), a)
    return a_bar


@rule(np.fft.ifftn, linear=("a",))
def ifftn(z_bar, z, a, s=None, axes=None, norm=None):
    a_bar = numerics.refit(np.fft.fftn(z_bar, None, axes, numerics.dual_norm(norm)), a)
    return a_bar


# the frequencies that rfft leaves out have no cotangent: zeros
@rule(np.fft.rfft, linear=("a",))
def rfft(z_bar, z, a, n=None, axis=-1, norm=None):
    length = numerics.fft_length(a, n, axis)
    full = np.fft.ifft(z_bar, length, axis, numerics.dual_norm(norm))
    a_bar = numerics.refit(numerics.real(full), a)
    return a_bar


# every frequency but the first (and the last, of an even length) stands for two
@rule(np.fft.irfft, linear=("a",))
def irfft(z_bar, z, a, n=None, axis=-1, norm=None):
    half = np.fft.rfft(z_bar, None, axis, numerics.dual_norm(norm))
    a_bar = numerics.refit(half * numerics.half_weights(z, axis), a)
    return a_bar


@rule(np.fft.fftshift, linear=("x",))
def fftshift(z_bar, z, x, axes=None):
    x_bar = np.fft.ifftshift(z_bar, axes)
    return x_bar


@rule(np.fft.ifftshift, linear=("x",))
def ifftshift(z_bar, z, x, axes=None):
    x_bar = np.fft.fftshift(z_bar, axes)
    return x_bar
