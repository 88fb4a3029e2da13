"""Everything of one head that is drawn, as one set of arrays: built once, moved every frame."""

from __future__ import annotations

import numpy as np

from bench.data.puppet import raster
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.backdrop import backdrop
from bench.data.puppet.canonical import EYE_RINGS, INNER_LIP, N_CANONICAL
from bench.data.puppet.canvas import SIZE, UV_HIGH, UV_LOW
from bench.data.puppet.clothes import shoulders
from bench.data.puppet.hair import grow
from bench.data.puppet.identity import Identity
from bench.data.puppet.mesh import LID_MARGIN, POUCH, SKIN, HeadMesh
from bench.data.puppet.occlusion import LightView, sky_share
from bench.data.puppet.parts import Surface, ears, mouth, surface_normals
from bench.data.puppet.shading import CLOTH, HAIR, LASH, PLAIN_SKIN, TEETH, TONGUE
from bench.data.puppet.texture import paint

PIVOT = np.array([0.0, -4.0, -5.0])
"""Where the head turns, cm."""
BODY_SHARE = 0.35
"""Part of the head's translation that the body makes."""
LASHES, LASH_STEPS = 30, 3
_JAW = ACTIONS.index("jaw_open")


class Scene:
    """Arrays over all points (V) and triangles (F) of one head.

    world, screen, normals (V, 3), attrs (V, 5): texel x, y, fold strength, sky share, key light share; colours (V, 3);
    triangles (F, 3), material, group (F,); triangles from index `two_sided` on are seen from both sides, those from
    index `hair` on are hair.
    """

    def __init__(
        self, identity: Identity, mesh: HeadMesh, skin: np.ndarray, share: np.ndarray, face: np.ndarray, size: int
    ):
        self.identity, self.mesh = identity, mesh
        self.texture, inside_hair_line = paint(identity, mesh)
        texel = ((mesh.subdivision @ mesh.uv) - UV_LOW) / (UV_HIGH - UV_LOW) * SIZE
        normals = surface_normals(skin, mesh.triangles)
        at = np.clip(texel, 0, SIZE - 1).astype(int)
        hair = grow(identity, mesh, skin, normals, inside_hair_line[at[:, 1], at[:, 0]])
        inside = mouth(identity, face)
        body = shoulders(identity)
        solid = [*ears(identity, face), *body, inside.upper, inside.lower, inside.tongue]
        loose = [*hair.coat, *([hair.locks] if hair.locks is not None else [])]
        self._fine = len(skin)
        surfaces = solid + loose
        starts = np.cumsum([self._fine, *(len(s.points) for s in surfaces)])
        self._lash_start = int(starts[-1])
        lash_points, lash_triangles = self._lash_topology()
        total = self._lash_start + lash_points
        self._local = np.zeros((total, 3))
        self._rest_normals = np.zeros((total, 3), np.float32)
        self._share = np.ones(total)
        self.colours = np.zeros((total, 3), np.float32)
        self._local[: self._fine], self._share[: self._fine] = skin, share
        kind = mesh.kind_of_point
        self.colours[: self._fine] = np.where(
            (kind == POUCH)[:, None],
            identity.lip * [0.6, 0.42, 0.42],
            np.where((kind == LID_MARGIN)[:, None], self._lid_margin_colours(), identity.hair * 0.8),
        )
        for start, surface in zip(starts, surfaces, strict=False):
            span = slice(start, start + len(surface.points))
            self._local[span], self._rest_normals[span] = surface.points, surface.normals
            self._share[span], self.colours[span] = surface.head_share, surface.colours
        self.colours[self._lash_start :] = np.minimum(identity.hair * 0.35, 0.03)
        parts = [mesh.triangles, *(s.triangles + start for start, s in zip(starts, surfaces, strict=False))]
        materials = [mesh.kind, *(np.full(len(s.triangles), s.material) for s in surfaces)]
        groups = [mesh.kind, *(np.full(len(s.triangles), 10 + k) for k, s in enumerate(surfaces))]
        at = 1 + len(solid)  # lashes come between what is seen from one side only and the hair
        self.two_sided = sum(len(t) for t in parts[:at])
        self.hair = self.two_sided + len(lash_triangles)
        parts.insert(at, lash_triangles + self._lash_start)
        materials.insert(at, np.full(len(lash_triangles), LASH))
        groups.insert(at, np.full(len(lash_triangles), 9))
        self.triangles = np.ascontiguousarray(np.concatenate(parts), np.int32)
        self.material = np.concatenate(materials).astype(np.int32)
        self.group = np.concatenate(groups).astype(np.int32)
        if hair.locks is not None:  # every lock is a surface of its own
            locks = slice(len(self.triangles) - len(hair.locks.triangles), len(self.triangles))
            self.group[locks] = 100 + np.arange(locks.stop - locks.start) // (len(hair.locks.triangles) // hair.count)
        self.world, self.screen = np.empty((total, 3)), np.empty((total, 3))
        self.normals = np.zeros((total, 3), np.float32)
        self.attrs = np.zeros((total, 5), np.float32)
        self.attrs[: self._fine, :2] = texel
        self.attrs[:, 4] = 1.0
        for start, surface in zip(starts, surfaces, strict=False):
            if surface.pattern is not None:
                self.attrs[start : start + len(surface.points), :3] = surface.pattern
        index = {id(s): slice(a, a + len(s.points)) for a, s in zip(starts, surfaces, strict=False)}
        self._teeth = index[id(inside.upper)]
        self._jaw_parts = slice(index[id(inside.lower)].start, index[id(inside.tongue)].stop)
        self._tongue = index[id(inside.tongue)]
        self._jaw_rest = self._local[self._jaw_parts].copy()
        self._shaded = slice(0, index[id(inside.upper)].start)  # skin, ears, body: in the key light's map
        self._bake_sky(hair, surfaces, index)
        self._view = LightView(identity.light)
        self._bake_key_on_hair(surfaces, index, hair)
        casting = [mesh.triangles]
        for start, surface in zip(starts, surfaces, strict=False):
            if surface.material in (PLAIN_SKIN, CLOTH) or surface in hair.coat:
                casting.append(surface.triangles + start)
        self._casting = np.ascontiguousarray(np.concatenate(casting), np.int32)
        fields, self._fold_actions = _fold_fields(mesh)
        self._fold_weights = fields @ mesh.subdivision[:, :N_CANONICAL].T.tocsr()
        self.background = backdrop(identity, size)
        level = np.arange(4096) / 4095
        srgb = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
        self.gamma = np.round(srgb * 255).astype(np.uint8)

    def _lid_margin_colours(self) -> np.ndarray:
        """(m, 3): the wet pink edge of the lower lid, the shaded one of the upper lid with the roots of the lashes."""
        upper = np.zeros(self.mesh.n_control)
        for ring in EYE_RINGS:
            upper[list(ring[1:8])] = 1
        first = N_CANONICAL
        for ring in EYE_RINGS:
            upper[first : first + 16] = upper[list(ring)]
            first += 16
        share = np.clip(1.5 * (self.mesh.subdivision @ upper), 0, 1)[:, None]
        return self.identity.skin * (share * [0.22, 0.15, 0.14] + (1 - share) * [0.8, 0.5, 0.46])

    def _bake_sky(self, hair, surfaces: list[Surface], index: dict) -> None:
        mesh, skin = self.mesh, self._local[: self._fine]
        scene = [(skin, mesh.triangles)]
        scene += [(s.points, s.triangles) for s in surfaces if s.material in (PLAIN_SKIN, CLOTH) or s in hair.coat]
        normals = self._rest_normals.copy()
        normals[: self._fine] = surface_normals(skin, mesh.triangles)
        for surface in surfaces:
            if surface.material == HAIR:  # tangents, not normals
                arm = surface.points - [0, 2, -5]
                normals[index[id(surface)]] = arm / np.linalg.norm(arm, axis=1, keepdims=True)
        sky = sky_share(scene, self._local[: self._lash_start], normals[: self._lash_start])
        kind = mesh.kind_of_point
        depth = np.ones(mesh.n_control)
        first = N_CANONICAL + 32
        depth[first : first + 20], depth[first + 20 : first + 41] = 0.42, 0.02
        pouch = mesh.subdivision @ depth
        lips = np.zeros(mesh.n_control)
        lips[list(INNER_LIP)] = 1
        near_lips = np.clip(mesh.subdivision @ lips * 2.5, 0, 1)
        occlusion = sky[: self._fine]
        occlusion = np.where(kind == POUCH, pouch**1.5, np.maximum(occlusion, 0.55 * near_lips))
        occlusion = np.where(kind == LID_MARGIN, 0.55, occlusion)
        sky[: self._fine] = occlusion
        self._pouch = np.flatnonzero(kind == POUCH)
        self._pouch_sky = occlusion[self._pouch].astype(np.float32)
        self._lips = np.flatnonzero((near_lips > 0.02) & (kind == SKIN))
        self._lip_sky, self._near_lips = occlusion[self._lips].astype(np.float32), near_lips[self._lips]
        for surface in surfaces:
            span = index[id(surface)]
            if surface.material == HAIR:
                sky[span] = 0.25 + 0.75 * sky[span]
            elif surface.material in (TEETH, TONGUE):
                sky[span] = 1.0
        self.attrs[: self._lash_start, 3] = sky

    def _bake_key_on_hair(self, surfaces: list[Surface], index: dict, hair) -> None:
        """How much key light gets to the hair, once, for the head at rest: facing it and not in the shade of the coat."""
        self._view.clear()
        self._view.draw(self._local[: self._fine], self.mesh.triangles)
        for surface in hair.coat:
            self._view.draw(surface.points, surface.triangles)
        light = self.identity.light
        for surface in surfaces:
            if surface.material != HAIR:
                continue
            arm = surface.points - [0, 2, -5]
            arm[:, 1] = np.maximum(arm[:, 1], 0.25 * arm[:, 1])  # hanging hair faces sideways
            arm /= np.linalg.norm(arm, axis=1, keepdims=True)
            share = np.empty(len(arm))
            self._view.reach(surface.points, arm, share, 0.8, 0.3, 0.9)
            facing = np.clip((arm @ light + 0.45) / 1.45, 0, 1)
            self.attrs[index[id(surface)], 4] = (0.15 + 0.85 * share) * facing

    def update(
        self, skin: np.ndarray, actions: np.ndarray, eyes: np.ndarray, turn: np.ndarray, shift: np.ndarray
    ) -> None:
        """Move everything to one frame: skin (m, 3) in the head's frame, actions (25,), eye centres, rotation, shift cm."""
        local = self._local
        local[: self._fine] = skin
        self._move_jaw(actions)
        self._set_lashes(skin, eyes)
        raster.place(local, self._share, turn, PIVOT, shift, BODY_SHARE, self.world)
        raster.turn_normals(self._rest_normals, self._share, turn, self.normals)
        raster.vertex_normals(self.world[: self._fine], self.mesh.triangles, self.normals[: self._fine])
        strength = np.zeros(self._fine)
        for k, action in enumerate(self._fold_actions):
            if actions[action] != 0.0:
                strength += actions[action] * self._fold_weights[k]
        self.attrs[: self._fine, 2] = np.minimum(strength, 1.3)
        self._view.clear()
        self._view.draw(self.world, self._casting)
        span = self._shaded
        self._view.reach(self.world[span], self.normals[span], self.attrs[span, 4])
        opening = min(1.0, max(0.0, (skin[13, 1] - skin[14, 1]) / 1.6))
        # lips that touch shade each other; where they do not quite meet, a dark red line is seen and no black hole
        shut = max(0.0, 1.0 - opening / 0.15)
        self.attrs[self._pouch, 3] = self._pouch_sky + shut * (0.35 - self._pouch_sky)
        deep = 1.0 - 0.3 * shut * self._near_lips**2
        self.attrs[self._lips, 3] = self._lip_sky * deep
        self.attrs[self._lips, 4] *= deep
        mouth_parts = slice(self._teeth.start, self._jaw_parts.stop)
        # no light reaches teeth behind lips that touch: a sliver between the lips is dark, not white
        self.attrs[mouth_parts, 3] = (0.88 + 0.12 * opening) * (1 - 0.85 * shut)
        self.attrs[mouth_parts, 4] = (0.62 + 0.3 * opening) * (1 - 0.85 * shut)

    def light_on_eye(self, side: int) -> float:
        """How much key light gets to an eye: the mean over its lid ring."""
        return float(0.25 + 0.75 * self.attrs[list(EYE_RINGS[side]), 4].mean())

    def _move_jaw(self, actions: np.ndarray) -> None:
        """Lower teeth and tongue go with the jaw; `tongue` lifts the tip to the upper teeth."""
        rest, jaw = self._jaw_rest, float(actions[_JAW])
        moved = rest.copy()
        moved[:, 1] -= 0.27 * jaw * (rest[:, 2] + 2.5)
        moved[:, 2] += 0.09 * jaw * (rest[:, 1] - 0.3)
        first = self._tongue.start - self._jaw_parts.start
        tongue = moved[first:]
        lift = float(actions[ACTIONS.index("tongue")])
        low, high = rest[first:, 2].min(), rest[first:, 2].max()
        along = (rest[first:, 2] - low) / (high - low)
        drop = 0.27 * jaw * (rest[first:, 2] + 2.5)
        tongue[:, 1] += along * (0.25 * drop + lift * (0.62 + 0.72 * drop))
        tongue[:, 2] += along * lift * 0.12
        self._local[self._jaw_parts] = moved

    def _lash_topology(self) -> tuple[int, np.ndarray]:
        per = 2 * (LASH_STEPS + 1)
        triangles = []
        for lash in range(2 * LASHES):
            for step in range(LASH_STEPS):
                a = lash * per + 2 * step
                triangles += [(a, a + 1, a + 2), (a + 1, a + 3, a + 2)]
        t = np.linspace(0.0, 8.0, LASHES + 2)[1:-1]
        weights = np.zeros((LASHES, 9))
        for row, value in enumerate(t):
            k = min(int(value), 7)
            weights[row, k], weights[row, k + 1] = 1 - (value - k), value - k
        self._lash_weights = weights
        rng = np.random.default_rng([self.identity.texture_seed, 5])
        long = 0.34 + 0.13 * (self.identity.sex == "F") + 0.12 * self.identity.make_up
        # longest towards the outer corner (the ring starts there)
        self._lash_length = long * np.interp(t, [0, 1.5, 4, 8], [0.9, 1.15, 1.0, 0.5]) * rng.uniform(0.8, 1.15, LASHES)
        self._lash_splay = np.interp(t, [0, 4, 8], [0.55, 0.12, -0.3]) + rng.normal(0, 0.06, LASHES)
        return 2 * LASHES * per, np.array(triangles, np.int32)

    def _set_lashes(self, skin: np.ndarray, eyes: np.ndarray) -> None:
        s = np.linspace(0, 1, LASH_STEPS + 1)[:, None, None]
        width = (0.05 * (1 - 0.85 * s)) / 2
        out = []
        for side, sign in ((0, -1.0), (1, 1.0)):
            rim = skin[list(EYE_RINGS[side][:9])]
            root = self._lash_weights @ rim
            along = np.gradient(root, axis=0)
            along /= np.linalg.norm(along, axis=1, keepdims=True)
            radial = root - eyes[side]
            radial /= np.linalg.norm(radial, axis=1, keepdims=True)
            up = np.cross(along, radial) * sign
            up /= np.linalg.norm(up, axis=1, keepdims=True)
            length = self._lash_length[:, None]
            splay = np.stack([sign * self._lash_splay, np.zeros(LASHES), np.zeros(LASHES)], 1)
            path = (
                root + 0.03 * radial + length * (radial * (s - 0.3 * s**2) + up * (-0.05 * s + 0.75 * s**2) + splay * s)
            )
            pair = np.stack([path - along * width, path + along * width], 2)  # (steps + 1, lashes, 2, 3)
            out.append(pair.transpose(1, 0, 2, 3).reshape(-1, 3))
        self._local[self._lash_start :] = np.concatenate(out)


def _fold_fields(mesh: HeadMesh) -> tuple[np.ndarray, np.ndarray]:
    """Which action deepens which folds: weights (k, 468) over the face, and the k action columns."""
    points = mesh.canonical.points
    x, y = points[:, 0], points[:, 1]

    def soft(low: float, high: float, value: np.ndarray) -> np.ndarray:
        t = np.clip((value - low) / (high - low), 0, 1)
        return t * t * (3 - 2 * t)

    forehead = soft(5.0, 6.0, y)
    middle = np.exp(-((x / 2.2) ** 2))
    glabella = np.exp(-((x / 1.3) ** 2)) * soft(3.2, 4.2, y) * (1 - soft(5.6, 6.6, y))
    bridge = np.exp(-((x / 1.2) ** 2)) * soft(1.2, 2.2, y) * (1 - soft(3.6, 4.4, y))
    beside_eye = soft(4.2, 4.9, np.abs(x)) * soft(0.3, 1.2, y) * (1 - soft(4.2, 5.2, y))
    nasolabial = (
        soft(0.9, 1.5, np.abs(x)) * (1 - soft(3.6, 4.6, np.abs(x))) * soft(-6.2, -5.0, y) * (1 - soft(0.0, 1.0, y))
    )
    left, right = soft(-0.3, 0.3, x), soft(-0.3, 0.3, -x)
    rows = [
        ("brow_inner_raise", forehead * middle),
        ("brow_outer_raise", forehead * (1 - 0.6 * middle)),
        ("brow_lower", glabella),
        ("nose_wrinkle", 0.6 * glabella + bridge + 0.8 * nasolabial),
        ("smile_left", 0.95 * nasolabial * left + 0.5 * beside_eye * left),
        ("smile_right", 0.95 * nasolabial * right + 0.5 * beside_eye * right),
        ("cheek_raise", 0.9 * beside_eye + 0.3 * nasolabial),
        ("upper_lip_raise", 0.9 * nasolabial),
        ("dimpler_left", 0.35 * nasolabial * left),
        ("dimpler_right", 0.35 * nasolabial * right),
        ("lid_tighten", 0.3 * beside_eye),
    ]
    return np.array([field for _, field in rows]), np.array([ACTIONS.index(name) for name, _ in rows])
