// What the page shows: sliders in, pictures and sentences out. The numbers come from physics.js.
"use strict";

const byId = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const short = (x) => (x !== 0 && (Math.abs(x) < 1e-2 || Math.abs(x) >= 1e4) ? x.toExponential(1) : String(Number(x.toFixed(3))));

// A canvas with axes from (left, bottom) to (right, top), in units of what is drawn.
function picture(id, [left, right], [bottom, top], { logarithmic = false, square = false, marks = null } = {}) {
  const canvas = byId(id);
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const margin = { left: 44, right: 8, top: 8, bottom: 22 };
  let w = width - margin.left - margin.right, h = height - margin.top - margin.bottom;
  if (square) w = h = Math.min(w, h);
  const up = logarithmic ? Math.log10 : (y) => y;
  const across = (x) => margin.left + ((x - left) / (right - left)) * w;
  const upwards = (y) => margin.top + h - ((up(y) - up(bottom)) / (up(top) - up(bottom))) * h;
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = colour("soft");
  pen.strokeStyle = colour("grid");
  pen.strokeRect(margin.left, margin.top, w, h);
  const usual = logarithmic ? [1e-16, 1e-12, 1e-8, 1e-4, 1] : [bottom, (bottom + top) / 2, top];
  for (const y of marks ?? usual) {
    pen.textAlign = "right";
    pen.fillText(logarithmic ? `1e${Math.round(Math.log10(y))}` : short(y), margin.left - 4, upwards(y) + 4);
  }
  for (const x of [left, (left + right) / 2, right]) {
    pen.textAlign = x === right ? "right" : x === left ? "left" : "center";
    pen.fillText(short(x), across(x), margin.top + h + 16);
  }
  const clip = (y) => Math.min(Math.max(y, bottom), top);
  return {
    line(points, name, width = 2) {
      pen.strokeStyle = colour(name);
      pen.lineWidth = width;
      pen.beginPath();
      points.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](across(x), upwards(clip(y))));
      pen.stroke();
    },
    dots(points, name, radius = 3) {
      pen.fillStyle = colour(name);
      for (const [x, y] of points) {
        pen.beginPath();
        pen.arc(across(x), upwards(clip(y)), radius, 0, 2 * Math.PI);
        pen.fill();
      }
    },
    band(points, name) {
      pen.fillStyle = colour(name);
      pen.globalAlpha = 0.25;
      pen.beginPath();
      points.forEach(([x, low], i) => pen[i ? "lineTo" : "moveTo"](across(x), upwards(clip(low))));
      [...points].reverse().forEach(([x, , high]) => pen.lineTo(across(x), upwards(clip(high))));
      pen.fill();
      pen.globalAlpha = 1;
    },
  };
}

const grid = (stop, count) => Array.from({ length: count + 1 }, (_, i) => (stop * i) / count);

function showEuler() {
  const [dt, alpha, delta] = ["dt", "alpha", "delta"].map((id) => Number(byId(id).value));
  ["dt", "alpha", "delta"].forEach((id) => (byId(`${id}-value`).textContent = byId(id).value));
  const steps = eulerMotion(dt, alpha, delta, 20);
  const exact = grid(20, 400).map((t) => ({ t, ...exactMotion(t, alpha, delta) }));
  const motion = picture("euler-motion", [0, 20], [-2, 2]);
  motion.line(exact.map(({ t, x }) => [t, x]), "exact", 4);
  motion.line(steps.map(({ t, x }) => [t, x]), "ours");
  const size = 2 * Math.max(1, Math.sqrt(delta));
  const phase = picture("euler-phase", [-2, 2], [-size, size]);
  phase.line(exact.map(({ x, v }) => [x, v]), "exact", 4);
  phase.line(steps.map(({ x, v }) => [Math.max(-2, Math.min(2, x)), v]), "ours");
  const W = eulerMatrix(dt, alpha, delta);
  const values = eigenvalues(W);
  const circle = picture("euler-circle", [-2, 2], [-2, 2], { square: true });
  circle.line(grid(2 * Math.PI, 100).map((a) => [Math.cos(a), Math.sin(a)]), "exact");
  circle.dots(values.map(([re, im]) => [Math.max(-2, Math.min(2, re)), im]), "ours", 5);
  byId("euler-matrix").textContent = `[[1, ${short(dt)}], [${short(W[1][0])}, ${short(W[1][1])}]]`;
  const size1 = Math.max(...values.map(([re, im]) => Math.hypot(re, im)));
  const change = `each step multiplies the motion by ${size1.toFixed(4)}`;
  const limit = values[0][1] !== 0 && alpha > 0 ? ` The limit is Δt = α/δ = ${short(alpha / delta)} s.` : "";
  byId("euler-words").textContent =
    (size1 > 1 + 1e-12
      ? `It grows: ${change}, an energy from nothing.`
      : `It stays bounded: ${change}, at the most.`) + limit;
}

// A spring from the wall to a mass at x, as a zigzag.
const spring = (x, height) =>
  grid(1, 30).map((s, i) => [-2 + (x + 2) * s, height + (i % 30 ? (i % 2 ? 0.07 : -0.07) : 0)]);

function showSwing() {
  const [dt, alpha, delta, t] = ["dt", "alpha", "delta", "swing"].map((id) => Number(byId(id).value));
  byId("swing-value").textContent = t.toFixed(2);
  const steps = eulerMotion(dt, alpha, delta, 20);
  const euler = steps[Math.min(Math.floor(t / dt + 1e-9), steps.length - 1)].x;
  const exact = exactMotion(t, alpha, delta).x;
  const masses = picture("euler-masses", [-2, 2], [0, 1], { marks: [] });
  for (const [x, height, name] of [[exact, 0.72, "exact"], [euler, 0.28, "ours"]]) {
    const shown = Math.max(-1.9, Math.min(1.9, x));
    masses.line(spring(shown, height), name);
    masses.dots([[shown, height]], name, 11);
  }
  byId("swing-words").textContent =
    `At ${t.toFixed(2)} s the mass is at ${exact.toFixed(3)} m, and Euler’s at ${short(euler)} m.`;
}

// Playing moves the slider of time, twice as fast as it is, to its end.
let frame = 0;

function play() {
  const slider = byId("swing");
  const first = Number(slider.value) < 20 ? Number(slider.value) : 0;
  let began = null;
  const next = (now) => {
    began ??= now;
    slider.value = first + (2 * (now - began)) / 1000;
    showSwing();
    if (Number(slider.value) < 20) frame = requestAnimationFrame(next);
    else stop();
  };
  byId("play").textContent = "Stop";
  frame = requestAnimationFrame(next);
}

function stop() {
  cancelAnimationFrame(frame);
  frame = 0;
  byId("play").textContent = "Let it swing";
}

function chosenSolution() {
  const dampings = [...new Set(SOLUTIONS.solutions.map((s) => s.damping))];
  const waves = [...new Set(SOLUTIONS.solutions.map((s) => s.waves))];
  const damping = dampings[Number(byId("gamma").value)];
  const count = waves[Number(byId("waves").value)];
  return SOLUTIONS.solutions.find((s) => s.damping === damping && s.waves === count);
}

function showBar() {
  const solution = chosenSolution();
  const T = SOLUTIONS.duration;
  const now = Number(byId("time").value);
  byId("gamma-value").textContent = solution.damping;
  byId("waves-value").textContent = solution.waves;
  byId("time-value").textContent = now.toFixed(2);
  const at = (t) => {
    const x = trialSolution(t, solution, T);
    return { t, x, exact: exactMotion(t, solution.damping, 1).x, bound: errorBound(t, solution, T) };
  };
  const points = grid(T, 480).map(at);
  const motion = picture("bar-motion", [0, T], [-1.5, 1.5]);
  motion.line(points.map(({ t, exact }) => [t, exact]), "exact", 4);
  motion.band(points.map(({ t, x, bound }) => [t, x - bound, x + bound]), "ours");
  motion.line(points.map(({ t, x }) => [t, x]), "ours");
  const { x, exact, bound } = at(now);
  motion.dots([[now, x]], "bound", 5);
  const error = picture("bar-error", [0, T], [1e-18, 10], { logarithmic: true });
  error.line(points.map(({ t, bound }) => [t, bound]), "bound");
  error.line(points.map(({ t, x, exact }) => [t, Math.abs(x - exact)]), "ours");
  const off = Math.abs(x - exact);
  byId("bar-words").textContent =
    `At ${now.toFixed(2)} s the network says ${x.toPrecision(12)} m, at most ${bound.toExponential(1)} m off. ` +
    `It is off by ${off.toExponential(1)} m.`;
}

const cellState = { h: [0, 0, 0], rows: [] };

function stepCell(own) {
  const { cell } = SOLUTIONS;
  const i = cellState.rows.length;
  if (i + 1 >= cell.motion.length) return;
  const x = own && i > 0 ? cellState.rows[i - 1].y : cell.motion[i];
  const { z, h, y } = cellStep(cell, cellState.h, x);
  cellState.h = h;
  cellState.rows.push({ x, z, h, y });
  showCell();
}

function showCell() {
  const { cell } = SOLUTIONS;
  const dt = cell.time_step;
  const list = (numbers) => numbers.map((n) => n.toFixed(3)).join(", ");
  byId("cell-rows").innerHTML = cellState.rows
    .map(({ x, z, h, y }, i) => `<tr><td>${i + 1}</td><td>${x.toFixed(4)}</td><td>${list(z)}</td><td>${list(h)}</td><td>${y.toFixed(4)}</td><td>${cell.motion[i + 1].toFixed(4)}</td></tr>`)
    .reverse()
    .join("");
  const motion = picture("cell-motion", [0, dt * (cell.motion.length - 1)], [-1.5, 1.5]);
  motion.line(cell.motion.map((x, i) => [i * dt, x]), "exact", 3);
  motion.dots(cellState.rows.map(({ y }, i) => [(i + 1) * dt, y]), "ours");
}

function showAll() {
  showEuler();
  showSwing();
  showBar();
  showCell();
}

// Sliders may be set in the address: index.html#dt=0.5&waves=7
for (const [id, value] of new URLSearchParams(location.hash.slice(1))) {
  if (byId(id)?.type === "range") byId(id).value = value;
}
["dt", "alpha", "delta"].forEach((id) => byId(id).addEventListener("input", showEuler));
["dt", "alpha", "delta", "swing"].forEach((id) => byId(id).addEventListener("input", showSwing));
byId("play").addEventListener("click", () => (frame ? stop() : play()));
["gamma", "waves", "time"].forEach((id) => byId(id).addEventListener("input", showBar));
byId("cell-true").addEventListener("click", () => stepCell(false));
byId("cell-own").addEventListener("click", () => stepCell(true));
byId("cell-reset").addEventListener("click", () => {
  cellState.h = [0, 0, 0];
  cellState.rows = [];
  showCell();
});
window.addEventListener("resize", showAll);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
showAll();
if (location.hash === "#play") play();
