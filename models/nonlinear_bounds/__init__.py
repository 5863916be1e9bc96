"""How wrong a nonlinear equation's solution is, without knowing the answer: the proof.

It follows that of `error_bounds`, whose lemmas on rounding, on the network's size and on the trial
solution it takes over, and adds what curvature needs. `nonlinear_bound` is the whole;
`corrected_motion` is x̂ − E, about which the rest is enclosed. It may import the rooms below it.
Each lemma has its function; the tests (`tests/models/nonlinear_bounds`) compare with 40 digits, and
whole bounds with motions in extended precision, sign by sign.

**Claim.** For a problem of order 1 or 2 whose `rhs` is made of the operations of `jets`, and a
float64 `PINN` with the trial solution of its own, if `error_bound` returns, the equation x'' = f(t,
x, x') has one solution x on the whole interval, and |x̂(t) − x(t)| ≤ `error_bound(t)` at every
float64 time of it. f is the user's own `rhs` with the float64 numbers that stand in it, in exact
arithmetic; numbers that it computes from numbers alone are what float64 makes of them. x̂ is what
the model returns. Where f jumps in time, x' of order 1 is that just after; if it does so at the
end, x' has no bound there.

**What is taken for granted**: what the room below takes, for extended numbers and their sin, cos,
exp, log, power, sinh, cosh, tanh, arctan too (8 units, tested). **What is checked at run time**,
and refused with a word about `error_estimate` where it fails: every operation of `rhs`, by name;
comparisons, which only t may have, lie on one side of every cell; at all nodes `rhs` gives in
numbers what it gave on discs; the model returns its trial solution; and lemma 6.

1. *Discs* (`discs`). Each operation takes discs |z − c| ≤ r with real centres to a disc that has
   all results in it, rounding of the centre included; r is rounded up. What has no bound has r = ∞.
2. *Derivatives* (`jets`, `right_hand_side`). The rules of sums, products and chains, on discs, give
   f, J = ∂f/∂(x, v) and ∂²f at the nodes of cells, on ellipses around them, and in a tube around
   the motion. `rhs` is called as it is. On a cell it is one analytic function wherever r is finite.
3. *Polynomials on cells* (`cell_polynomials`). A polynomial y of degree n, given by its float64
   coefficients, misses a function g as its slope by |g − y'| ≤ min_ρ 4Mρ^{1−n}/(ρ − 1) + Λ max_i
   |g(t_i) − y'(t_i)|, M ≥ |g| on the ellipse of ρ, as y' is its own interpolant at n nodes
   (Trefethen, theorem 8.2; Λ the Lebesgue constant). x̂ itself is no larger on that ellipse than Σ_j
   |c_j| ρ^j + min_σ 4M(ρ/σ)ⁿ/(1 − ρ/σ), c_j those of its interpolant and M ≥ |x̂| on the ellipse of
   σ > ρ by its weights, as |a_j| ≤ 2Mσ^−j (`CorrectedMotion.size_of`): weights may cancel.
4. *The signed error* (`signed_error`). Newton's method, from x̂ or from RK4 (`marched_start`),
   finds polynomials E = (E_x, E_v); nothing is asked of it. With ŷ = (x̂, x̂') and F = (v, f),
   lemma 3 bounds the defect δ = ŷ' − F(t, ŷ − E) − E', since ŷ' − F is known at the nodes up to
   rounding, and off the line.
5. *The equation of the rest.* w = ŷ − E − y, y = (x, x'), obeys w' = J w − q + δ with J at ŷ − E
   and |q_i| ≤ ½ Σ_jk H_ijk |w_j| |w_k|, H ≥ |∂²F| between ŷ − E and y (Taylor), as long as |w| is
   within the tube in which H holds. It begins at −E(t0) and jumps by what E jumps between cells,
   and by what x̂ jumps between windows, whose starts are rounded (lemma 3 of `error_bounds`).
6. *A step* (`validated_steps`). Φ and X are polynomials that nearly solve Φ' = J Φ and X' = −X J,
   and X Φ − 1 is what both miss, integrated: so Φ⁻¹ exists and is bounded. In w = Φ V u, u' = (Φ
   V)⁻¹ ((J Φ − Φ') V u + δ − q). If U > |u(begin)| + Δ |V⁻¹| |Φ⁻¹| (|J Φ − Φ'| |V| U + |δ| + ½ H
   W²) with W = |Φ| |V| U inside the tube, |u| ≤ U on the cell: where |u| first reached U the
   inequality would be false. y stays in a bounded set, so that it exists to the end of the cell.
   Such a U is looked for by iteration; in a norm it exists if 4 Y Z₂ < (1 − Z₁)², Newton's and
   Kantorovich's condition. Else `error_bound` says where, and by what factor it fails.
7. *From cell to cell.* V is taken near Φ(end) V, so that u hardly changes and no rotation is
   counted as growth; where its columns become parallel, the Q of QR takes its place. V⁻¹ = (1 −
   F)⁻¹ X, |F| < 1, whatever rounding did to X.
8. *Sum.* |x̂ − x| ≤ |E| + |w| + rounding of E at t + rounding of the model (lemma 3 of
   `error_bounds`). For order 1, |x̂' − x'| ≤ |E'| + |J| |w| + |q| + |δ| + rounding.

Bounds are sums and products of numbers ≥ 0, a few thousand roundings each, times 1 + 1e-9 at the
end of every step. What overflows makes a bound infinite, and then nothing closes.

References: L. N. Trefethen, "Approximation Theory and Approximation Practice"; R. J. Lohner,
"Enclosing the solutions of ordinary initial and boundary value problems" (1987), for moving
coordinates and QR. Validated integrators that go further: CAPD and kv, in C++. Bounds of trained
networks, for scalar equations of order 1: Learn and Verify, arXiv 2601.19818.
"""
