"""Compiled kernels: vertex work, z-buffered triangles and eyeballs at sample resolution.

Everything runs in one thread in a fixed order, without fast-math, so equal input gives equal bytes.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def sparse_product(indptr, indices, weights, points, out):
    """out = M @ points for a CSR matrix M (m, n), points (n, k)."""
    for row in range(indptr.shape[0] - 1):
        for k in range(points.shape[1]):
            out[row, k] = 0.0
        for at in range(indptr[row], indptr[row + 1]):
            w, j = weights[at], indices[at]
            for k in range(points.shape[1]):
                out[row, k] += w * points[j, k]


@njit(cache=True)
def vertex_normals(points, triangles, out):
    """Area-weighted unit normals (m, 3) of a triangle surface."""
    out[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(out.shape[0]):
        size = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + 1e-12
        out[i, 0] /= size
        out[i, 1] /= size
        out[i, 2] /= size


@njit(cache=True)
def place(points, share, turn, pivot, shift, body, out):
    """Head frame -> world: share 1 turns about `pivot` and shifts, share 0 goes along by the part `body` of the shift."""
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - pivot[0], points[i, 1] - pivot[1], points[i, 2] - pivot[2]
        for k in range(3):
            turned = turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z + pivot[k] + shift[k]
            out[i, k] = share[i] * turned + (1.0 - share[i]) * (points[i, k] + body * shift[k])


@njit(cache=True)
def turn_normals(normals, share, turn, out):
    """Rotate unit vectors with the head, as far as their points go with it."""
    for i in range(normals.shape[0]):
        for k in range(3):
            turned = turn[k, 0] * normals[i, 0] + turn[k, 1] * normals[i, 1] + turn[k, 2] * normals[i, 2]
            out[i, k] = share[i] * turned + (1.0 - share[i]) * normals[i, k]


@njit(cache=True)
def project(points, focal, distance, centre_x, centre_y, out):
    """Perspective: (m, 3) cm -> (m, 3) sample x, sample y (down), depth z; camera at (0, 0, distance)."""
    for i in range(points.shape[0]):
        scale = focal / (distance - points[i, 2])
        out[i, 0] = centre_x + scale * points[i, 0]
        out[i, 1] = centre_y - scale * points[i, 1]
        out[i, 2] = points[i, 2]


@njit(cache=True)
def clear(owner, depth):
    """Empty the buffers: no owner (-1), infinitely far."""
    owner[:] = -1
    depth[:] = -1e9


@njit(cache=True)
def draw_triangles(screen, triangles, two_sided, owner, depth):
    """Rasterize triangles into owner (H, W) int32 (the triangle's index) and depth (H, W) float32.

    Sample (x, y) sits at integer coordinates. Triangles seen from behind are skipped, but for those from `two_sided` on.
    """
    height, width = owner.shape
    slack = 1e-7
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        x1, y1 = screen[b, 0], screen[b, 1]
        x2, y2 = screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        # counter-clockwise with y up is clockwise with y down: visible faces have negative area
        if area > -1e-9 and (t < two_sided or area < 1e-9):
            continue
        lo_y = max(0, int(np.ceil(min(y0, y1, y2))))
        hi_y = min(height - 1, int(np.floor(max(y0, y1, y2))))
        lo_x = max(0, int(np.ceil(min(x0, x1, x2))))
        hi_x = min(width - 1, int(np.floor(max(x0, x1, x2))))
        if lo_y > hi_y or lo_x > hi_x:
            continue
        inv = 1.0 / area
        w1x, w1y = (y2 - y0) * inv, -(x2 - x0) * inv
        w2x, w2y = -(y1 - y0) * inv, (x1 - x0) * inv
        w0x = -w1x - w2x
        inv1 = 1.0 / w1x if w1x != 0.0 else 0.0
        inv2 = 1.0 / w2x if w2x != 0.0 else 0.0
        inv0 = 1.0 / w0x if w0x != 0.0 else 0.0
        z0 = screen[a, 2]
        dz1, dz2 = screen[b, 2] - z0, screen[c, 2] - z0
        zx = w1x * dz1 + w2x * dz2
        for y in range(lo_y, hi_y + 1):
            row1 = (y - y0) * w1y - x0 * w1x
            row2 = (y - y0) * w2y - x0 * w2x
            # the span in which all three weights are positive
            left, right = float(lo_x), float(hi_x)
            row0 = 1.0 - row1 - row2
            if w1x > 0.0:
                left = max(left, -(row1 + slack) * inv1)
            elif w1x < 0.0:
                right = min(right, -(row1 + slack) * inv1)
            elif row1 < -slack:
                continue
            if w2x > 0.0:
                left = max(left, -(row2 + slack) * inv2)
            elif w2x < 0.0:
                right = min(right, -(row2 + slack) * inv2)
            elif row2 < -slack:
                continue
            if w0x > 0.0:
                left = max(left, -(row0 + slack) * inv0)
            elif w0x < 0.0:
                right = min(right, -(row0 + slack) * inv0)
            elif row0 < -slack:
                continue
            first, last = int(np.ceil(left)), int(np.floor(right))
            row_z = z0 + row1 * dz1 + row2 * dz2
            for x in range(first, last + 1):
                z = np.float32(row_z + x * zx)
                if z > depth[y, x]:
                    depth[y, x] = z
                    owner[y, x] = t


@njit(cache=True)
def draw_strands(screen, triangles, first, attrs, owner, depth):
    """Rasterize the triangles from `first` on as hair, seen from both sides; attrs[:, :2]: strand count sideways, cover.

    A strand is there where a number of its own, 0..1, lies below the cover: so hair thins out strand by strand.
    """
    height, width = owner.shape
    slack = 1e-7
    for t in range(first, triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        x1, y1 = screen[b, 0], screen[b, 1]
        x2, y2 = screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        lo_y = max(0, int(np.ceil(min(y0, y1, y2))))
        hi_y = min(height - 1, int(np.floor(max(y0, y1, y2))))
        lo_x = max(0, int(np.ceil(min(x0, x1, x2))))
        hi_x = min(width - 1, int(np.floor(max(x0, x1, x2))))
        if lo_y > hi_y or lo_x > hi_x:
            continue
        s0, c0 = attrs[a, 0], attrs[a, 1]
        s1, s2, c1, c2 = attrs[b, 0] - s0, attrs[c, 0] - s0, attrs[b, 1] - c0, attrs[c, 1] - c0
        full = min(c0, c0 + c1, c0 + c2) >= 1.0
        inv = 1.0 / area
        w1x, w1y = (y2 - y0) * inv, -(x2 - x0) * inv
        w2x, w2y = -(y1 - y0) * inv, (x1 - x0) * inv
        w0x = -w1x - w2x
        inv1 = 1.0 / w1x if w1x != 0.0 else 0.0
        inv2 = 1.0 / w2x if w2x != 0.0 else 0.0
        inv0 = 1.0 / w0x if w0x != 0.0 else 0.0
        z0 = screen[a, 2]
        dz1, dz2 = screen[b, 2] - z0, screen[c, 2] - z0
        zx = w1x * dz1 + w2x * dz2
        for y in range(lo_y, hi_y + 1):
            row1 = (y - y0) * w1y - x0 * w1x
            row2 = (y - y0) * w2y - x0 * w2x
            # the span in which all three weights are positive
            left, right = float(lo_x), float(hi_x)
            row0 = 1.0 - row1 - row2
            if w1x > 0.0:
                left = max(left, -(row1 + slack) * inv1)
            elif w1x < 0.0:
                right = min(right, -(row1 + slack) * inv1)
            elif row1 < -slack:
                continue
            if w2x > 0.0:
                left = max(left, -(row2 + slack) * inv2)
            elif w2x < 0.0:
                right = min(right, -(row2 + slack) * inv2)
            elif row2 < -slack:
                continue
            if w0x > 0.0:
                left = max(left, -(row0 + slack) * inv0)
            elif w0x < 0.0:
                right = min(right, -(row0 + slack) * inv0)
            elif row0 < -slack:
                continue
            row_z = z0 + row1 * dz1 + row2 * dz2
            for x in range(int(np.ceil(left)), int(np.floor(right)) + 1):
                z = np.float32(row_z + x * zx)
                if z > depth[y, x]:
                    if not full:
                        w1, w2 = row1 + x * w1x, row2 + x * w2x
                        cell = int(np.floor(s0 + w1 * s1 + w2 * s2)) * 374761393 & 0x7FFFFFFF
                        cell = (cell ^ (cell >> 13)) * 1274126177 & 0x7FFFFFFF
                        if ((cell ^ (cell >> 16)) & 0xFFFF) >= 65536.0 * (c0 + w1 * c1 + w2 * c2):
                            continue
                    depth[y, x] = z
                    owner[y, x] = t


@njit(cache=True)
def draw_sphere(centre, radius, name, focal, distance, centre_x, centre_y, owner, depth):
    """Rasterize a sphere exactly by ray intersection; owner becomes `name`."""
    height, width = owner.shape
    scale = focal / (distance - centre[2])
    mx, my, reach = centre_x + scale * centre[0], centre_y - scale * centre[1], scale * radius * 1.1
    for y in range(max(0, int(my - reach)), min(height - 1, int(my + reach) + 1) + 1):
        for x in range(max(0, int(mx - reach)), min(width - 1, int(mx + reach) + 1) + 1):
            dx, dy = (x - centre_x) / focal, (centre_y - y) / focal
            # ray (0, 0, distance) + s (dx, dy, -1)
            oz = distance - centre[2]
            qa = dx * dx + dy * dy + 1.0
            qb = -centre[0] * dx - centre[1] * dy - oz
            qc = centre[0] ** 2 + centre[1] ** 2 + oz * oz - radius * radius
            disc = qb * qb - qa * qc
            if disc <= 0:
                continue
            s = (-qb - np.sqrt(disc)) / qa
            z = distance - s
            if z > depth[y, x]:
                depth[y, x] = z
                owner[y, x] = name
