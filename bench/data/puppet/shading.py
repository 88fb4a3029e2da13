"""Compiled shading: from the sample buffers to the finished picture.

A pixel whose samples see one smooth surface is shaded once; where surfaces meet, every sample is. One thread, fixed
order, no fast-math. All kernels stand in this one file: numba's cache does not see a change of a function that is imported.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

SKIN, LID_MARGIN, POUCH, PLAIN_SKIN, CLOTH, TEETH, TONGUE, HAIR, LASH = range(9)
PLAIN, KNIT, HEATHER, RIB = range(4)
"""Weaves of cloth; the first three in the order of identity.WEAVES."""
EYE_OWNER = 1 << 28
"""Owners from here on are eyeballs: EYE_OWNER + 0 the subject's right, + 1 the left."""


@njit(cache=True, inline="always")
def _smooth(low, high, x):
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True, inline="always")
def _hash(x, y):
    """0..1 from two whole numbers."""
    v = (x * 374761393 + y * 668265263) & 0x7FFFFFFF
    v = ((v ^ (v >> 13)) * 1274126177) & 0x7FFFFFFF
    return ((v ^ (v >> 16)) & 0xFFFF) * (1.0 / 65535.0)


@njit(cache=True, inline="always")
def _strand_tone(x):
    """Smooth noise along a line, -1..1, one value per unit: neighbouring strands differ in tone."""
    cell = math.floor(x)
    t = x - cell
    t = t * t * (3.0 - 2.0 * t)
    return 2.0 * (_hash(cell, 0) * (1.0 - t) + _hash(cell + 1, 0) * t) - 1.0


@njit(cache=True)
def _grain(x, y):
    """Smooth noise in the plane, -1..1, one value per unit square."""
    cx, cy = math.floor(x), math.floor(y)
    tx, ty = x - cx, y - cy
    tx, ty = tx * tx * (3.0 - 2.0 * tx), ty * ty * (3.0 - 2.0 * ty)
    low = _hash(cx, cy) * (1.0 - tx) + _hash(cx + 1, cy) * tx
    high = _hash(cx, cy + 1) * (1.0 - tx) + _hash(cx + 1, cy + 1) * tx
    return 2.0 * (low * (1.0 - ty) + high * ty) - 1.0


@njit(cache=True)
def _cloth_tone(x, y, weave):
    """Brightness of cloth at x cm round and y cm down: the weave's loops, ribs and specks."""
    kind = int(weave + 0.5)
    tone = 1.0 + 0.06 * _grain(x * 3.0, y * 3.0)
    if kind == 1:
        column = x / 0.42
        lean = abs(column - math.floor(column) - 0.5)
        tone *= 1.0 + 0.07 * math.cos(6.2832 * column) + 0.06 * math.sin(6.2832 * (y / 0.36 + 1.1 * lean))
    elif kind == 2:
        tone *= 1.0 + 0.13 * _grain(x * 5.0, y * 3.0)
    elif kind == 3:
        tone *= 1.0 + 0.16 * math.cos(6.2832 * x / 0.5)
    return tone


@njit(cache=True)
def _eye_sample(ray_x, ray_y, eye, gaze, light, half, strength, iris, cover, out):
    """Colour of an eyeball: eye (x, y, z, radius, iris sine, camera distance, fill, key light 0..1),
    gaze (3, 3) eye-to-world rotation."""
    oz = eye[5] - eye[2]
    qa = ray_x * ray_x + ray_y * ray_y + 1.0
    qb = -eye[0] * ray_x - eye[1] * ray_y - oz
    qc = eye[0] ** 2 + eye[1] ** 2 + oz * oz - eye[3] * eye[3]
    disc = max(0.0, qb * qb - qa * qc)
    s = (-qb - math.sqrt(disc)) / qa
    nx = (s * ray_x - eye[0]) / eye[3]
    ny = (s * ray_y - eye[1]) / eye[3]
    nz = (oz - s) / eye[3]
    ex = gaze[0, 0] * nx + gaze[1, 0] * ny + gaze[2, 0] * nz
    ey = gaze[0, 1] * nx + gaze[1, 1] * ny + gaze[2, 1] * nz
    ez = gaze[0, 2] * nx + gaze[1, 2] * ny + gaze[2, 2] * nz
    r = math.sqrt(ex * ex + ey * ey) / eye[4]
    if ez < 0:
        r = 9.0
    red, green, blue = 0.64, 0.585, 0.545
    vein = min(1.0, max(0.0, (r - 1.15) / 1.2))
    red, green, blue = red * (1 - 0.1 * vein), green * (1 - 0.22 * vein), blue * (1 - 0.22 * vein)
    inside = 1.0 - _smooth(0.93, 1.06, r)
    if inside > 0:
        angle = math.atan2(ey, ex)
        fibre = 0.5 + 0.2 * math.sin(23 * angle + 3 * math.sin(5 * angle)) + 0.15 * math.sin(41 * angle + 7 * r)
        shade = (0.55 + 0.75 * r * r) * (0.8 + 0.4 * fibre) * (1.0 - 0.75 * _smooth(0.72, 1.0, r))
        # light gathers in the half of the iris that lies away from it
        shade *= 1.0 - 0.45 * (ex * light[0] + ey * light[1]) / max(eye[4], 1e-3) * 0.9
        pupil = 1.0 - _smooth(0.33, 0.42, r)
        ir, ig, ib = iris[0] * shade, iris[1] * shade, iris[2] * shade
        ir, ig, ib = (
            ir * (1 - pupil) + 0.004 * pupil,
            ig * (1 - pupil) + 0.004 * pupil,
            ib * (1 - pupil) + 0.004 * pupil,
        )
        red, green, blue = red + (ir - red) * inside, green + (ig - green) * inside, blue + (ib - blue) * inside
    lit = max(0.0, nx * light[0] + ny * light[1] + nz * light[2])
    power = (0.40 + 0.14 * ny + 0.12 * eye[6]) * cover
    key = 0.6 * lit * cover * eye[7]
    out[0], out[1], out[2] = (
        red * (power + key * strength[0]),
        green * (power + key * strength[1]),
        blue * (power + key * strength[2]),
    )
    # wet highlight; the cornea bulges, so its normal leans further out than the ball's
    bulge = 0.35 * inside
    hx, hy, hz = nx + bulge * (nx - gaze[0, 2]), ny + bulge * (ny - gaze[1, 2]), nz + bulge * (nz - gaze[2, 2])
    size = math.sqrt(hx * hx + hy * hy + hz * hz)
    near = (hx * half[0] + hy * half[1] + hz * half[2]) / size
    glint = _smooth(0.9885, 0.9945, near) * (0.35 + 0.65 * cover) * (0.12 + 0.75 * inside)
    out[0] += glint
    out[1] += glint
    out[2] += glint


@njit(cache=True)
def _surface_sample(material, normal, attr, colour, tex, head_x, head_y, light, half, fill, strength, amb, out, texel):
    """Colour of a triangle sample. attr: texel x, y, fold strength, sky share, key light share."""
    nx, ny, nz = normal[0], normal[1], normal[2]
    gloss, hair = 0.0, 0.0
    size_of_map = tex.shape[0]
    if material == 0:
        x = min(max(attr[0] - 0.5, 0.0), size_of_map - 1.001)
        y = min(max(attr[1] - 0.5, 0.0), size_of_map - 1.001)
        ix, iy = int(x), int(y)
        fx, fy = x - ix, y - iy
        w00, w10, w01, w11 = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
        for k in range(9):
            texel[k] = (
                w00 * tex[iy, ix, k]
                + w10 * tex[iy, ix + 1, k]
                + w01 * tex[iy + 1, ix, k]
                + w11 * tex[iy + 1, ix + 1, k]
            )
        sx, sy = texel[4] + texel[6] * attr[2], texel[5] + texel[7] * attr[2]
        nx -= sx * head_x[0] + sy * head_y[0]
        ny -= sx * head_x[1] + sy * head_y[1]
        nz -= sx * head_x[2] + sy * head_y[2]
        red, green, blue, hair, gloss = texel[0], texel[1], texel[2], texel[3], texel[8]
    else:
        red, green, blue = colour[0], colour[1], colour[2]
        gloss = 0.3
    size = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / size, ny / size, nz / size
    occ, shadow = attr[3], attr[4]
    lit = nx * light[0] + ny * light[1] + nz * light[2]
    spec_dot = max(0.0, nx * half[0] + ny * half[1] + nz * half[2])
    filled = max(0.0, -nx * light[0] * 0.9 + 0.15 * ny + 0.6 * nz) * fill * (0.35 + 0.65 * occ)
    sky = 0.5 + 0.5 * ny
    if material == 4:
        tone = _cloth_tone(attr[0], attr[1], attr[2])
        rim = 1.0 - max(0.0, nz)
        base = (amb * (0.4 + 0.8 * sky) * occ + 0.35 * filled) * tone + 0.10 * amb * rim * rim * occ
        key = max(0.0, 0.1 + 0.9 * lit) * shadow * 0.95 * tone
        out[0], out[1], out[2] = (
            red * (base + key * strength[0]),
            green * (base + key * strength[1]),
            blue * (base + key * strength[2]),
        )
        return
    if material == 5 or material == 6:
        s2 = spec_dot * spec_dot
        s8 = s2 * s2 * s2 * s2
        power = (amb * 1.2 + 0.6 * strength[1] * max(0.0, 0.25 + 0.75 * lit) * shadow) * occ
        s = s8 * s8 * s8 * 0.3 * occ * shadow
        out[0], out[1], out[2] = red * power + s, green * power + s, blue * power + s
        return
    if material == 8:
        out[0], out[1], out[2] = red, green, blue
        return
    # occluded skin is lit by skin: its shade is warm
    warm = occ * (1.2 - 0.2 * occ)
    base_r = amb * (0.5 + 0.62 * sky) * warm + 0.5 * filled
    base_g = amb * (0.5 + 0.62 * sky) * occ + 0.5 * filled
    base_b = amb * (0.5 + 0.62 * sky) * occ * 1.03 + 0.5 * filled
    wr = max(0.0, (lit + 0.30) / 1.30)
    wg = max(0.0, (lit + 0.12) / 1.12)
    wb = max(0.0, (lit + 0.07) / 1.07)
    shade_r = shadow * (1.3 - 0.3 * shadow)
    out[0] = red * (base_r + strength[0] * shade_r * wr * (0.5 + 0.5 * wr))
    out[1] = green * (base_g + strength[1] * shadow * wg * (0.5 + 0.5 * wg))
    out[2] = blue * (base_b + strength[2] * shadow * wb * (0.5 + 0.5 * wb))
    s2 = spec_dot * spec_dot
    s4 = s2 * s2
    s8 = s4 * s4
    s16 = s8 * s8
    s = (0.035 * s16 + 0.075 * s16 * s16 * s16) * (0.25 + gloss) * strength[1] * shadow
    rim = 1.0 - max(0.0, nz)
    s += 0.05 * rim * rim * rim * rim * amb * (0.4 + sky) * occ
    if material == 2:
        s *= occ * occ
    out[0] += s
    out[1] += s
    out[2] += s
    if hair > 0.0:
        strand = 110.0 * math.atan2(attr[0] - 0.51875 * size_of_map, 0.51875 * size_of_map - attr[1])
        k = amb * (0.4 + 0.5 * sky) * max(occ, 0.5) + 0.6 * strength[1] * max(0.0, lit) * shadow
        k *= 1.0 + 0.25 * _strand_tone(strand)
        out[0] += (colour[0] * k - out[0]) * hair
        out[1] += (colour[1] * k - out[1]) * hair
        out[2] += (colour[2] * k - out[2]) * hair


@njit(cache=True)
def _hair_sample(tangent, colour, light, half, strength, amb, strand, shade, key, detail, out):
    """Kajiya-Kay strands: tangent (3,) unit, `strand` counts strands sideways, shade and key 0..1: light all round and
    key light that get there. Each strand leans a little of its own, which breaks the gleam up; `detail` 0..1 says how
    far a pixel tells strands apart."""
    own = detail * _strand_tone(strand)
    wide = _strand_tone(strand * 0.17 + 5.3)
    tone = 1.0 + 0.30 * own + 0.16 * wide
    tl = tangent[0] * light[0] + tangent[1] * light[1] + tangent[2] * light[2]
    th = tangent[0] * half[0] + tangent[1] * half[1] + tangent[2] * half[2]
    diffuse = math.sqrt(max(0.0, 1.0 - tl * tl))
    first = th + 0.10 + 0.13 * own + 0.06 * wide
    second = th - 0.16 + 0.16 * own
    s4 = max(0.0, 1.0 - first * first)
    s4 = s4 * s4
    s16 = s4 * s4 * s4 * s4
    s64 = s16 * s16 * s16 * s16
    t4 = max(0.0, 1.0 - second * second)
    t4 = t4 * t4
    t16 = t4 * t4 * t4 * t4
    base = amb * shade * (0.55 + 0.35 * shade)
    total = colour[0] + colour[1] + colour[2] + 1e-3
    for k in range(3):
        hue = 0.25 + 2.2 * colour[k] / total
        light_in = strength[k] * key
        out[k] = colour[k] * tone * (base + light_in * (0.08 + 0.68 * diffuse))
        out[k] += light_in * (0.042 * shade * s64 + 0.7 * colour[k] * t16 * hue)


@njit(cache=True)
def shade(
    owner, depth, screen, triangles, material, group, normals, attrs, colours, tex, eyes, gazes, iris,
    light, half, fill, strength, ambient, head, focal, centre_x, centre_y, background, gamma, samples, picture,
):  # fmt: skip
    """Resolve (H s, W s) sample buffers into `picture` (H, W, 3) uint8.

    group (F,) tells surfaces apart; gamma (4096,) uint8 maps linear 0..1; head (3, 3) rotation; strength (3,) of the key light;
    eyes (2, 8), gazes (2, 3, 3): see _eye_sample.
    """
    height, width = picture.shape[0], picture.shape[1]
    out = np.empty(3)
    total = np.empty(3)
    normal = np.empty(3)
    attr = np.empty(5)
    colour = np.empty(3)
    texel = np.empty(9)
    weights = np.empty(samples * samples)
    head_x = np.array([head[0, 0], head[1, 0], head[2, 0]])
    head_y = np.array([head[0, 1], head[1, 1], head[2, 1]])
    rows = owner.shape[0]
    detail = min(1.0, 0.075 * focal / samples / 39.0 / 1.4)  # width of a strand in pixels, against the 1.4 that show it
    for py in range(height):
        for px in range(width):
            first_y, first_x = py * samples, px * samples
            own = owner[first_y, first_x]
            simple = own < EYE_OWNER
            near, far = depth[first_y, first_x], depth[first_y, first_x]
            for k in range(1, samples * samples if simple else 1):
                other = owner[first_y + k // samples, first_x + k % samples]
                if (other < 0) != (own < 0) or other >= EYE_OWNER:
                    simple = False
                    break
                if own >= 0 and group[other] != group[own]:
                    simple = False
                    break
                z = depth[first_y + k // samples, first_x + k % samples]
                near, far = max(near, z), min(far, z)
            if near - far > 0.35:
                simple = False
            if simple and own < 0:
                for k in range(3):
                    picture[py, px, k] = gamma[min(4095, int(background[py, px, k] * 4095))]
                continue
            total[0], total[1], total[2] = 0.0, 0.0, 0.0
            count = 1 if simple else samples * samples
            # samples of one surface that lie together are shaded once, at the first of them
            weights[0] = 1.0
            for sample in range(1, count):
                weights[sample] = 1.0
                y, x = first_y + sample // samples, first_x + sample % samples
                own = owner[y, x]
                if own < 0 or own >= EYE_OWNER:
                    continue
                for k in range(sample):
                    yy, xx = first_y + k // samples, first_x + k % samples
                    other = owner[yy, xx]
                    if other < 0 or other >= EYE_OWNER or weights[k] == 0.0 or group[other] != group[own]:
                        continue
                    if abs(depth[yy, xx] - depth[y, x]) < 0.35:
                        weights[k] += 1.0
                        weights[sample] = 0.0
                        break
            for sample in range(count):
                y, x = first_y + sample // samples, first_x + sample % samples
                own = owner[y, x]
                if own < 0:
                    for k in range(3):
                        total[k] += background[py, px, k]
                    continue
                if own >= EYE_OWNER:
                    which = own - EYE_OWNER
                    # how close above and beside is the lid: it shades the ball
                    cover = 1.0
                    for step in range(1, 9):
                        yy = y - step * samples // 2
                        if yy < 0 or owner[yy, x] != own:
                            cover = 0.42 + 0.58 * (step - 1) / 8.0
                            break
                    side = 1.0
                    for step in range(1, 4):
                        low, right, left = min(rows - 1, y + step), min(owner.shape[1] - 1, x + step), max(0, x - step)
                        if owner[low, x] != own or owner[y, right] != own or owner[y, left] != own:
                            side = 0.72 + 0.28 * (step - 1) / 3.0
                            break
                    _eye_sample(
                        (x - centre_x) / focal, (centre_y - y) / focal, eyes[which], gazes[which], light, half, strength,
                        iris, cover * side, out,
                    )  # fmt: skip
                    for k in range(3):
                        total[k] += out[k]
                    continue
                if weights[sample] == 0.0:
                    continue
                a, b, c = triangles[own, 0], triangles[own, 1], triangles[own, 2]
                x0, y0 = screen[a, 0], screen[a, 1]
                x1, y1, x2, y2 = screen[b, 0] - x0, screen[b, 1] - y0, screen[c, 0] - x0, screen[c, 1] - y0
                inv = 1.0 / (x1 * y2 - x2 * y1)
                w1 = ((x - x0) * y2 - (y - y0) * x2) * inv
                w2 = ((y - y0) * x1 - (x - x0) * y1) * inv
                w0 = 1.0 - w1 - w2
                for k in range(3):
                    normal[k] = w0 * normals[a, k] + w1 * normals[b, k] + w2 * normals[c, k]
                    colour[k] = w0 * colours[a, k] + w1 * colours[b, k] + w2 * colours[c, k]
                for k in range(5):
                    attr[k] = w0 * attrs[a, k] + w1 * attrs[b, k] + w2 * attrs[c, k]
                if material[own] == 7:
                    _hair_sample(normal, colour, light, half, strength, ambient, attr[0], attr[3], attr[4], detail, out)
                else:
                    _surface_sample(
                        material[own], normal, attr, colour, tex, head_x, head_y, light, half, fill, strength,
                        ambient, out, texel,
                    )  # fmt: skip
                for k in range(3):
                    total[k] += out[k] * weights[sample]
            for k in range(3):
                value = min(1.0, max(0.0, total[k] / count))
                picture[py, px, k] = gamma[int(value * 4095)]
