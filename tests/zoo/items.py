"""Containers that lists of unknown length hold, and stores into them."""

from dataclasses import dataclass, field

import numpy as np

from tests.zoo.table import normal, program


@dataclass
class Body:
    x: float
    v: float

    def push(self, dt):
        self.x += self.v * dt


class Cell:
    def __init__(self, start, rate):
        self.level = [start, 2.0 * start]
        self.rates = {"up": rate, "down": 0.5}
        self.seen = np.zeros(2)


@dataclass
class Made:
    x: float
    y: float = 2.0
    z: float = field(init=False, default=0.0)

    def __post_init__(self):
        self.x = self.x * 2
        self.z = self.x + 1


@program(args=(0.7, 4, 1))
def rows_of_known_length(x, n, k):
    rows = [[0.0] * 2 for _ in range(n)]
    rows[0][1] = x
    rows[k][0] = x * x
    rows[k][1] += rows[0][1] * x
    return rows[0][1] * rows[k][1] + rows[k][0]


@program(args=(0.7, 5))
def grid_with_neighbours(x, n):
    grid = [[x * i * j for j in range(n)] for i in range(n)]
    for i in range(1, n):
        for j in range(1, n):
            grid[i][j] += grid[i - 1][j - 1] * grid[i][j - 1]
    return grid[-1][-1]


@program(args=(0.7, 4, 1))
def buckets(x, n, k):
    rows = [[] for _ in range(n)]
    for i in range(2 * n):
        rows[i % n].append(x * i)
    return sum(rows[k]) * rows[0][1]


@program(args=(0.7, 4))
def rows_that_follow_each_other(x, n):
    rows = [[x, 1.0]]
    for _ in range(n):
        rows.append([0.0, 0.0])
        rows[-1][0] = rows[-2][0] * x
        rows[-1][1] = rows[-2][1] + x
    return rows[-1][0] + rows[-1][1] * rows[1][0]


@program(args=(0.7, 4))
def rows_written_by_a_loop_over_them(x, n):
    rows = [[x, x * i] for i in range(n)]
    for i, row in enumerate(rows):
        row[0] = row[1] * x + i
    for row, factor in zip(rows, [0.5 * i for i in range(n)]):
        row[1] *= factor
    return sum(row[0] * row[1] for row in rows)


@program(args=(0.7, 4, 1))
def dicts_in_a_list(x, n, k):
    bodies = [{"x": x * i, "v": 1.0} for i in range(n)]
    for i in range(n):
        bodies[i]["x"] = bodies[i]["x"] + bodies[i]["v"] * x
        bodies[i]["v"] *= x
    return sum(b["x"] * b["v"] for b in bodies) + bodies[k]["x"]


@program(args=(0.7, 4))
def bodies_pushed_and_pulled(x, n):
    bodies = [Body(x * i, 1.0) for i in range(n)]
    for _ in range(3):
        for i in range(n):
            for j in range(n):
                if i != j:
                    bodies[i].v += 0.1 * (bodies[j].x - bodies[i].x)
        for b in bodies:
            b.push(x)
    return sum(b.x * b.v for b in bodies)


@program(args=(0.7, 4, 1))
def two_names_of_one_item(x, n, k):
    bodies = [Body(x * i, x) for i in range(n)]
    a, b = bodies[1], bodies[k]
    a.x = x * x
    b.x = a.x * x
    return bodies[k].x * bodies[0].v + a.x


@program(args=(0.7, 3, 1))
def containers_in_objects_in_a_list(x, n, k):
    cells = [Cell(x * i, x) for i in range(n)]
    for i in range(n):
        cells[i].level[0] += cells[i].rates["up"]
        cells[i].rates["down"] *= x
        cells[i].seen[1] = x * i
        cells[i].seen += cells[i].level[1]
    return cells[k].level[0] * cells[k].rates["down"] + np.sum(cells[k].seen) * cells[-1].seen[1]


@program(args=(0.7, 3, 1))
def an_item_changed_after_it_was_put_in(x, n, k):
    rows = []
    for i in range(n):
        row = [x * i, x]
        rows.append(row)
        row[0] = x * x * i
    return rows[k][0] + rows[-1][0]


@program(args=(0.7, 4, 1))
def items_changed_by_callees(x, n, k):
    def put(row, value):
        row[0] = value

    def found(rows, i):
        return rows[i]

    rows = [[x, x] for _ in range(n)]
    put(rows[k], x * x)
    found(rows, 0)[1] = 3.0 * x
    return rows[k][0] * rows[0][1]


@program(args=(0.7, 4, 1))
def items_changed_in_branches(x, n, k):
    rows = [[x * i, x] for i in range(n)]
    if x > 0.5:
        rows[k][0] = x * x
    else:
        rows[0].append(x)
    return rows[k][0] + rows[0][0]


@program(args=(0.7, 4, 1))
def items_change_places(x, n, k):
    rows = [[x * i, x] for i in range(n)]
    rows[0], rows[k] = rows[k], rows[0]
    rows[0][0] = x * x
    return rows[0][0] * rows[k][1] + rows[k][0] * x


@program(args=(0.7, 4, 1))
def copies_of_rows_are_others(x, n, k):
    a = [[x] * 2 for _ in range(n)]
    b = [list(row) for row in a]
    a[k][0] = x * x
    return b[k][0] * b[0][0] + a[k][0]


@program(args=([[1.0 * i, 2.0] for i in range(20)], 0.5, 1))
def items_of_a_long_argument(rows, x, k):
    rows[k][0] += rows[k][1] * x
    rows[3][0] += rows[k][0] * x
    return sum(r[0] * r[1] for r in rows)


# -- an item is the thing that was taken, not its place ---------------------------------------------------


@program(args=(normal(2), 4, 1))
def an_array_kept_when_its_place_is_given_away(x, n, k):
    rows = [x * i for i in range(n)]
    kept = rows[k]
    rows[k] = x * 3.0
    return kept[0] * rows[k][1]


@program(args=(normal(2), 4, 1))
def an_array_kept_when_the_list_is_turned(x, n, k):
    rows = [x * i for i in range(n)]
    last = rows[-1]
    rows.reverse()
    rows.insert(0, x * 7.0)
    return last[0] * rows[-1][1] + last[1] * rows[k][0]


@program(args=(normal(2), 4, 1))
def arrays_change_places(x, n, k):
    rows = [x * i for i in range(n)]
    rows[0], rows[k] = rows[k], rows[0]
    first = rows[0]
    rows[0] = rows[2]
    rows[2] = first
    rows[2][0] = x[1] * 2.0
    return np.sum(rows[0] * x) + np.sum(rows[k]) * rows[2][0]


@program(args=([[1.0, 2.0], [3.0, 4.0]], 0.5))
def a_row_of_an_argument(rows, x):
    row = rows[0]
    row[1] = 5.0 * x
    return rows[0][1] * rows[1][0]


@program(args=([Body(1.0, 2.0), Body(3.0, 4.0)], 0.5, 1))
def objects_of_an_argument(bodies, x, k):
    for b in bodies:
        b.x += b.v * x
    bodies[k].v *= x
    return sum(b.x * b.v for b in bodies)


@program(args=(0.7, 3))
def lists_that_take_turns(x, n):
    a, b, c = [x, 1.0], [2.0, x], [0.5, x]
    for _ in range(n):
        a, b, c = b, c, a
        a[0] = a[0] * b[1] + c[0]
    return a[0] + b[0] * c[1]


@program(args=(0.7, 4, 1))
def objects_cells_read(x, n, k):
    cs = [Cell(x * i, x) for i in range(n)]
    return cs[k].level[1] * cs[0].rates["up"]


@program(args=(0.7, 4, 1))
def objects_posts_read(x, n, k):
    cs = [Made(x * i) for i in range(n)]
    return cs[k].x * cs[0].z + cs[k].z


@program(args=(0.7, 4, 1))
def objects_posts_written(x, n, k):
    cs = [Made(x * i) for i in range(n)]
    cs[k].z *= 3.0
    return cs[k].x * cs[0].z + cs[k].z


@program(args=(0.7, 4, 1))
def objects_posts_chosen(x, n, k):
    a, b = Made(x), Made(x * x)
    c = a if k > 0 else b
    return c.x * c.z


@program(args=(0.7, 4, 1))
def objects_best_of(x, n, k):
    cs = [Made(x * i) for i in range(n)]
    best = cs[0]
    for c in cs:
        if c.z > best.z:
            best = c
    return best.x * best.y


@program(args=(0.7, 4, 1))
def objects_sort_objs(x, n, k):
    cs = [Made(x * np.sin(5.0 * i)) for i in range(n)]
    cs.sort(key=lambda c: c.z)
    return cs[0].x * cs[-1].z


@program(args=(0.7, 4, 1))
def objects_filter_objs(x, n, k):
    cs = [Made(x * i) for i in range(n)]
    cs = [c for c in cs if c.x > 0.5]
    cs[0].x = x
    return cs[0].x * len(cs)
