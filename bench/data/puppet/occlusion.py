"""Soft light: how much of the sky each point sees (baked once) and which points the key light reaches (every frame)."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def depth_map(points, triangles, axis_x, axis_y, axis_z, low_x, low_y, per_cm, out):
    """Orthographic nearest depth along axis_z (towards the light) of a triangle surface; empty cells stay -1e9."""
    size = out.shape[0]
    for t in range(triangles.shape[0]):
        x0 = y0 = z0 = x1 = y1 = z1 = x2 = y2 = z2 = 0.0
        for k in range(3):
            p = points[triangles[t, k]]
            x = (p[0] * axis_x[0] + p[1] * axis_x[1] + p[2] * axis_x[2] - low_x) * per_cm
            y = (p[0] * axis_y[0] + p[1] * axis_y[1] + p[2] * axis_y[2] - low_y) * per_cm
            z = p[0] * axis_z[0] + p[1] * axis_z[1] + p[2] * axis_z[2]
            if k == 0:
                x0, y0, z0 = x, y, z
            elif k == 1:
                x1, y1, z1 = x, y, z
            else:
                x2, y2, z2 = x, y, z
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        lo_x, hi_x = max(0, int(np.ceil(min(x0, x1, x2)))), min(size - 1, int(np.floor(max(x0, x1, x2))))
        lo_y, hi_y = max(0, int(np.ceil(min(y0, y1, y2)))), min(size - 1, int(np.floor(max(y0, y1, y2))))
        inv = 1.0 / area
        for y in range(lo_y, hi_y + 1):
            for x in range(lo_x, hi_x + 1):
                w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) * inv
                w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) * inv
                if w1 < -1e-6 or w2 < -1e-6 or w1 + w2 > 1.000001:
                    continue
                z = z0 + w1 * (z1 - z0) + w2 * (z2 - z0)
                if z > out[y, x]:
                    out[y, x] = z


@njit(cache=True)
def reached(points, normals, axis_x, axis_y, axis_z, low_x, low_y, per_cm, depth, offset, bias, soft, reach, out):
    """Share 0..1 of light along axis_z that gets to each point, softened over (2 reach + 1)^2 cells and `soft` cm."""
    size = depth.shape[0]
    for i in range(points.shape[0]):
        px = points[i, 0] + offset * normals[i, 0]
        py = points[i, 1] + offset * normals[i, 1]
        pz = points[i, 2] + offset * normals[i, 2]
        x = (px * axis_x[0] + py * axis_x[1] + pz * axis_x[2] - low_x) * per_cm
        y = (px * axis_y[0] + py * axis_y[1] + pz * axis_y[2] - low_y) * per_cm
        z = px * axis_z[0] + py * axis_z[1] + pz * axis_z[2] + bias
        cx, cy = int(np.floor(x)), int(np.floor(y))
        fx, fy = x - cx, y - cy
        total = weight = 0.0
        for dy in range(-reach, reach + 2):
            wy = (1.0 - fy) if dy == -reach else (fy if dy == reach + 1 else 1.0)
            yy = cy + dy
            for dx in range(-reach, reach + 2):
                wx = (1.0 - fx) if dx == -reach else (fx if dx == reach + 1 else 1.0)
                xx = cx + dx
                w = wx * wy
                weight += w
                if xx < 0 or yy < 0 or xx >= size or yy >= size:
                    total += w
                    continue
                over = depth[yy, xx] - z
                if over <= 0.0:
                    total += w
                elif over < soft:
                    total += w * (1.0 - over / soft)
        out[i] = total / weight


class LightView:
    """The scene as a distant light sees it: a square of `extent` cm about the head, `size` cells wide."""

    def __init__(self, direction: np.ndarray, size: int = 160, extent: float = 44.0):
        z = direction / np.linalg.norm(direction)
        x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.95 else [1.0, 0.0, 0.0], z)
        x /= np.linalg.norm(x)
        y = np.cross(z, x)
        middle = np.array([0.0, -2.0, -3.0])
        self._axes = x, y, z
        self._low = middle @ x - extent / 2, middle @ y - extent / 2
        self._per_cm = size / extent
        self.depth = np.full((size, size), -1e9)

    def clear(self) -> None:
        self.depth[:] = -1e9

    def draw(self, points: np.ndarray, triangles: np.ndarray) -> None:
        """Add a surface to the scene."""
        depth_map(points, triangles, *self._axes, *self._low, self._per_cm, self.depth)

    def reach(self, points, normals, out, offset=0.25, bias=0.08, soft=0.6, blur=2) -> None:
        """Share of this light at each point, into `out` (n,)."""
        reached(points, normals, *self._axes, *self._low, self._per_cm, self.depth, offset, bias, soft, blur, out)


def sky_share(
    scene: list[tuple[np.ndarray, np.ndarray]], points: np.ndarray, normals: np.ndarray, rays: int = 48
) -> np.ndarray:
    """Ambient occlusion (n,) in 0..1: cosine-weighted share of `rays` directions from which each point is seen.

    scene: (points, triangles) surfaces that take light away. Directions are a Fibonacci sphere without its lowest part.
    """
    k = np.arange(rays) + 0.5
    height = 1 - 1.55 * k / rays
    angle = k * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    directions = np.stack([flat * np.cos(angle), height, flat * np.sin(angle)], 1)
    total, weight = np.zeros(len(points)), np.zeros(len(points))
    share = np.empty(len(points))
    for direction in directions:
        facing = np.maximum(normals @ direction, 0)
        view = LightView(direction, size=128)
        for part, triangles in scene:
            view.draw(part, triangles)
        view.reach(points, normals, share, offset=0.3, bias=0.1, soft=0.5, blur=1)
        total += facing * share
        weight += facing
    return total / np.maximum(weight, 1e-6)
