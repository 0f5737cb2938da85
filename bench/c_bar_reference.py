"""ImageNet-C-bar's ten formulae in plain numpy, an image at a time: what the bench measures our kernels against.

Written from the published description (Mintun et al. 2021, arXiv:2102.11273, and its code under the MIT licence), with
no attempt at speed beyond whole-array arithmetic. Each takes the image ``uint8 (H, W, 3)`` and the numbers that were
drawn for it; seeds are those of `numpy.random.RandomState`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

Array = np.ndarray[Any, Any]


def truncated(values: Array) -> Array:
    return np.clip(values, 0, 255).astype(np.uint8)


def grid(image: Array) -> tuple[Array, Array]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float64)
    return y, x


def single_frequency_greyscale(image: Array, freq: Any, phase: float, intensity: float) -> Array:
    y, x = grid(image)
    wave = np.sin(x * freq[0] + y * freq[1] + phase)
    return truncated(image + intensity * wave[..., None])


def cocentric_sine_waves(
    image: Array, offset: Any, freq: float, amplitude: float, ring_width: float, intensity: Any
) -> Array:
    y, x = grid(image)
    x, y = x - offset[0], y - offset[1]
    angle = np.arctan2(x, y) * freq
    distance = np.sqrt(x**2 + y**2) + np.sin(angle) * amplitude
    wave = (distance % ring_width) / ring_width - 0.5
    return truncated(image + intensity[0] * wave[..., None])


def plasma_noise(image: Array, time: float, iterations: int, sharpness: float, scale: float, intensity: float) -> Array:
    y, x = (axis / scale for axis in grid(image))
    i0, i1, i2 = 1.0, 1.0, 1.0
    for _ in range(iterations):
        rx, ry = np.cos(y * i0 + time / i1) / i2, np.sin(x * i0 + time / i1) / i2
        rx, ry = rx + 0.3 * -ry, ry + 0.3 * rx
        x, y = x + rx, y + ry
        i0, i1, i2 = i0 * 1.93, i1 * 1.15, i2 * (2.25 - sharpness)
    red, blue = np.sin(x - time), np.sin(y + time)
    green = np.sin((x + y + np.sin(time)) * 0.5)
    noise = np.stack([red, green, blue], -1)
    return truncated((1 - intensity / 255) * image + intensity * noise)


def checkerboard_cutout(image: Array, angle: float, scales: Any, fraction: float, seed: int) -> Array:
    y, x = grid(image)
    cells = int(4 * min(image.shape[:2]) // scales[0])
    painted = np.random.RandomState(seed).uniform(size=(cells, cells)) < fraction
    nx = (np.cos(angle) * y + np.sin(angle) * x) / scales[0]
    ny = (-np.sin(angle) * y + np.cos(angle) * x) / scales[1]
    kept = (nx % 2).astype(int) != (ny % 2).astype(int)
    kept |= ~painted[nx.astype(int), ny.astype(int)]
    return np.where(kept[..., None], image, np.uint8(128))


def star(values: Array, centre: Any, lengths: Array, exponent: float, colours: tuple[Any, Any]) -> Array:
    y, x = grid(values)
    dy, dx = y - centre[0], x - centre[1]
    squared = dx**2 + dy**2
    d = (np.arctan2(dx, dy) + np.pi) / (2 * np.pi) * len(lengths)
    i = d.astype(int)
    f = d - i
    first, second = lengths[i % len(lengths)], lengths[(i + 1) % len(lengths)]
    length = first + f * (second - first)
    glow = (length**2 / (squared + 1e-4)) ** exponent
    w = np.clip((1 - (f - 0.5) ** 2) * glow, 0, 1)[..., None]
    near, far = (values if colour is None else colour for colour in colours)
    return far + w * (near - far)


def sparkles(image: Array, centers: Any, radii: Any, nrays: Any, amounts: Any, seed: int, randomness: int) -> Array:
    random = np.random.RandomState(seed)
    values = image.astype(np.float32)
    for centre, radius, rays, amount in zip(centers, radii, nrays, amounts, strict=True):
        lengths = np.maximum(1, radius + randomness / 100 * radius * random.normal(size=rays))
        values = star(values, centre, lengths, (100 - amount) / 50, (255.0, None))
    return truncated(values)


def inverse_sparkles(
    image: Array, center: Any, radius: float, rays: int, amount: float, seed: int, randomness: int
) -> Array:
    lengths = radius + randomness / 100 * radius * np.random.RandomState(seed).normal(size=rays)
    return truncated(star(image.astype(np.float32), center, lengths, (100 - amount) / 50, (None, 255.0)))


LATTICE, OFFSET = 256, 4096


def lattice(seed: int) -> tuple[Array, Array]:
    random = np.random.RandomState(seed)
    size = 2 * LATTICE + 2
    order, gradients = np.arange(size), np.zeros((size, 2))
    for i in range(size):
        drawn = (random.randint(0, 2**31, 2) % (2 * LATTICE) - LATTICE) / LATTICE
        gradients[i] = drawn / np.linalg.norm(drawn)
    for i in range(LATTICE - 1, -1, -1):
        j = random.randint(0, 2**31) % LATTICE
        order[i], order[j] = order[j], order[i]
    order[LATTICE:], gradients[LATTICE:] = order[: LATTICE + 2], gradients[: LATTICE + 2]
    return order, gradients


def perlin(a: Array, b: Array, order: Array, gradients: Array) -> Array:
    ta, tb = a + OFFSET, b + OFFSET
    a0, b0 = ta.astype(int) % LATTICE, tb.astype(int) % LATTICE
    a1, b1 = (a0 + 1) % LATTICE, (b0 + 1) % LATTICE
    ra0, rb0 = ta % 1, tb % 1
    ra1, rb1 = ra0 - 1, rb0 - 1
    sa, sb = (r * r * (3 - 2 * r) for r in (ra0, rb0))

    def corner(i: Array, j: Array, ra: Array, rb: Array) -> Array:
        g = gradients[order[order[i] + j]]
        return ra * g[..., 0] + rb * g[..., 1]

    u, v = corner(a0, b0, ra0, rb0), corner(a1, b0, ra1, rb0)
    upper = u + sa * (v - u)
    u, v = corner(a0, b1, ra0, rb1), corner(a1, b1, ra1, rb1)
    lower = u + sa * (v - u)
    return 1.5 * (upper + sb * (lower - upper))


def perlin_noise(image: Array, m: Any, turbulence: float, seed: int, gain: float, bias: float, alpha: float) -> Array:
    order, gradients = lattice(seed)
    y, x = (axis * 7 / min(image.shape[:2]) for axis in grid(image))
    total, frequency = np.zeros(y.shape), 1.0
    while frequency <= turbulence:
        total += np.abs(perlin(frequency * y, frequency * x, order, gradients)) / frequency
        frequency *= 2
    v = np.clip(gain * total + bias, 0, 1)[..., None]
    return truncated((np.float32(1 - alpha) * image.astype(np.float32)) + 255 * alpha * v)


def spectral(random: Any, amplitude: Array) -> Array:
    height, width = amplitude.shape
    phases = random.uniform(0, 2 * np.pi, size=(height, width // 2))
    spectrum = amplitude * np.exp(1j * np.concatenate([phases, phases[::-1, ::-1]], axis=1))
    noise = np.fft.ifft2(np.roll(spectrum, (height // 2, width // 2), axis=(0, 1))).real
    return noise / noise.std()


def radius_of(image: Array) -> Array:
    y, x = grid(image)
    return np.sqrt((y - image.shape[0] // 2) ** 2 + (x - image.shape[1] // 2) ** 2)


def brownish_noise(image: Array, seed: int, intensity: float) -> Array:
    random, amplitude = np.random.RandomState(seed), 1 / (radius_of(image) ** 2 + 1)
    return truncated(image + intensity * np.stack([spectral(random, amplitude) for _ in range(3)], -1))


def blue_noise_sample(image: Array, seed: int, threshold: float) -> Array:
    noise = spectral(np.random.RandomState(seed), radius_of(image))
    return np.where((noise > threshold)[..., None], image, np.uint8(0))


def caustics(shape: tuple[int, int], time: float, size: float) -> Array:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    p0, p1 = ((axis / size % 1) * 6.28318530718 - 250 for axis in (y, x))
    i0, i1, c = p0, p1, np.ones(shape)
    for n in range(5):
        t = time * (1 - 3.5 / (n + 1))
        i0, i1 = p0 + np.cos(t - i0) + np.sin(t + i1), p1 + np.sin(t - i1) + np.cos(t + i0)
        c = c + 1 / np.hypot(p0 / (np.sin(i0 + t) / 0.005), p1 / (np.cos(i1 + t) / 0.005))
    return np.clip(np.abs(1.17 - (c / 5) ** 1.4) ** 8, 0, 1)


def caustic_refraction(
    image: Array, time: float, size: float, eta: float, lens_scale: float, lighting_amount: float, softening: float
) -> Array:
    light = caustics(image.shape[:2], time, size)
    light = gaussian_filter(np.repeat(light[..., None], 3, -1), softening)
    luma = light @ np.array([0.2126, 0.7152, 0.0722])
    padded = np.pad(luma, 1)
    north, south, west, east = padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]
    normal = np.stack([east - west, south - north, np.ones_like(luma)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    out = refracted(normal, eta)
    y, x = grid(image)
    y, x = y + np.round(out[..., 0] * lens_scale, 3), x + np.round(out[..., 1] * lens_scale, 3)
    values = looked_up(image.astype(np.float32) / 255, y, x)
    values = values + ((north - south) * lighting_amount)[..., None] + ((east - west) * lighting_amount)[..., None]
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)


def refracted(normal: Array, eta: float) -> Array:
    ray = np.array([0.0, 0.0, 1.0])
    cosine = normal @ ray
    angle = np.arcsin(np.sin(np.arccos(np.clip(cosine, -1, 1))) / eta)
    spectator = np.cross(ray, normal)
    spectator /= np.maximum(np.linalg.norm(spectator, axis=-1, keepdims=True), 1e-300)
    orthogonal = np.cross(normal, spectator)
    bent = np.cos(angle)[..., None] * normal + np.sin(angle)[..., None] * orthogonal
    return np.where((np.abs(cosine) >= 1 - 1e-3)[..., None], ray, bent)


def looked_up(values: Array, y: Array, x: Array) -> Array:
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    out = 0.0
    for i, wy in ((y0, 1 - (y - y0)), (y0 + 1, y - y0)):
        for j, wx in ((x0, 1 - (x - x0)), (x0 + 1, x - x0)):
            inside = (i >= 0) & (i < values.shape[0]) & (j >= 0) & (j < values.shape[1])
            found = values[np.clip(i, 0, values.shape[0] - 1), np.clip(j, 0, values.shape[1] - 1)]
            out = out + np.where(inside[..., None], found, 0) * (wy * wx)[..., None]
    return out
