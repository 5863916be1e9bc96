// What the page computes, in float64. No page is needed: `node` runs it, and a test does.
"use strict";

// Euler's step of x'' + α x' + δ x = 0 as the matrix W of a recurrent cell: h_{i+1} = W h_i.
function eulerMatrix(dt, alpha, delta) {
  return [[1, dt], [-dt * delta, 1 - dt * alpha]];
}

// Eigenvalues of a 2 × 2 matrix as pairs [real, imaginary].
function eigenvalues([[a, b], [c, d]]) {
  const mean = (a + d) / 2;
  const square = mean * mean - (a * d - b * c);
  const root = Math.sqrt(Math.abs(square));
  return square < 0 ? [[mean, root], [mean, -root]] : [[mean + root, 0], [mean - root, 0]];
}

// Positions and velocities of all steps, from x = 1 m at rest.
function eulerMotion(dt, alpha, delta, duration) {
  const W = eulerMatrix(dt, alpha, delta);
  const steps = [{ t: 0, x: 1, v: 0 }];
  for (let i = 1; i * dt <= duration * (1 + 1e-12); i++) {
    const { x, v } = steps[i - 1];
    steps.push({ t: i * dt, x: W[0][0] * x + W[0][1] * v, v: W[1][0] * x + W[1][1] * v });
  }
  return steps;
}

// The exact motion from x = 1 m at rest, in all three regimes of damping.
function exactMotion(t, alpha, delta) {
  const rate = alpha / 2;
  const square = delta - rate * rate;
  const fade = Math.exp(-rate * t);
  const w = Math.sqrt(Math.abs(square));
  if (w * t < 1e-9) return { x: fade * (1 + rate * t), v: -fade * delta * t };
  const [c, s] = square > 0 ? [Math.cos(w * t), Math.sin(w * t)] : [Math.cosh(w * t), Math.sinh(w * t)];
  return { x: fade * (c + (rate / w) * s), v: (-fade * delta * s) / w };
}

// The trial solution h1 + h2·N with h1 = 1, h2 = (t/T)², N = Σ V sin(U τ + b) + c, τ = 2 t/T − 1.
function trialSolution(t, solution, duration) {
  const s = t / duration;
  const tau = 2 * s - 1;
  let N = solution.c;
  solution.U.forEach((u, j) => (N += solution.V[j] * Math.sin(u * tau + solution.b[j])));
  return 1 + s * s * N;
}

// The proven bound of |x̂ − x| on the piece of the interval in which t lies.
function errorBound(t, solution, duration) {
  const pieces = solution.bounds.length;
  return solution.bounds[Math.min(pieces - 1, Math.max(0, Math.floor((t / duration) * pieces)))];
}

// One step of the lecture's cell: z = b + W h + U x, h = f(z), y = V h + c.
function cellStep(cell, h, x) {
  const z = cell.b.map((b, i) => {
    let sum = b + cell.U[i] * x;
    cell.W[i].forEach((w, j) => (sum += w * h[j]));
    return sum;
  });
  const next = z.map(Math.tanh);
  let y = cell.c;
  cell.V.forEach((v, j) => (y += v * next[j]));
  return { z, h: next, y };
}

if (typeof module !== "undefined") {
  module.exports = { eulerMatrix, eigenvalues, eulerMotion, exactMotion, trialSolution, errorBound, cellStep };
}
