"""How wrong a solution is, without knowing the answer.

`error_bound` encloses the error of a linear equation's solution: the residual's response with its
sign, plus bounds on all that its computation can miss. `error_estimate` linearises any equation
and proves nothing. `chebyshev_cells` are the polynomials that both use. It may import the rooms
below it. The proof, lemma by lemma, with the function
and the test of each (`tests/models/error_bounds/test_bound_lemmas.py`, against 50 digits):

**Claim.** For a problem marked `@linear` and a float64 `PINN` with the trial solution of its own,
|x̂(t) − x(t)| ≤ `error_bound(t)` at every float64 time of the interval. x solves the equation with
the float64 numbers of the problem, in exact arithmetic. x̂ is what the model returns, whatever
order TensorFlow adds in: called, compiled, or exported.

**What is taken for granted.** Float64 operations are rounded to the nearest number, or flushed to 0
below 2⁻¹⁰²² (standard model, `rounding`); sin, tanh and swish are right to `roundings` units, in
TensorFlow, XLA and NumPy. Both are tested, at 8.9 of 12 units for tanh. `rhs` is a function of its
arguments alone.

**What is checked at run time**, and refused with a word about `error_estimate` where it fails: the
rhs is A x + B v + C F(t) (it is evaluated on symbols, `affine_form`, and again in numbers at all
nodes); forces, activation and layers are known ones; the model returns its trial solution at the
times that are asked for.

1. *Rounding* (`rounding`). A computed sum of n products is off by what its inputs are, e|U|, by
   γ_p of its terms, and by u times its partial sums. Whatever the order, no partial sum is larger
   than M = (Σ|terms| + |sum|)/2, what the terms of one sign make. A product is off by
   |a| e_b + e_a |b| + e_a e_b + u|ab|, a function by min(δ sup|f'|, 2 sup|f|) + its own error,
   with sup|f'| taken where the argument can be *after* it is moved by δ. Each adds 2⁻¹⁰²² for
   underflow.
2. *Size of the network* (`activation_bounds`, `network_bounds.layer_bounds`). On a disc around a
   middle c, |z − z(c)| ≤ R|z'(c)| + ½R² sup|z''|, so that |h|, |h'|, |h''| are bounded layer by
   layer. z(c) is rounded, by lemma 1, and the discs are larger by that.
3. *Rounding of the network and of x̂* (`rounding_errors`, `trial_bounds`). Lemma 1, layer by layer:
   for the extended numbers in which the residual is computed, and for the model's own. There the
   error of τ is one and the same for all units, and moves N by 8u sup|N'|; |N|, |N'|, |N''| are
   Λ times their largest values at nodes, and what lemma 5 says is missed.
   *Starts of windows* (`start_bounds`). The proof adds `whole_numbers`, without rounding. The model
   cuts numbers into heads, whose products and sums are exact in any order, and rounds what they
   leave over, one in 2²⁰ and less (`trial_solution.exact_sums`). So rounding does not add up over
   windows; an error of h at τ = 1 is one and the same for all of them, and is multiplied by sums of
   A, in which terms cancel. Where every window has hidden layers of its own, errors of N and N' add
   up instead (`StartBoundsOfEach`). From here on x̂ begins every window at the extended numbers that
   were found (`TrialBounds.starts`), without error, and so jumps by what one window's N may be off.
4. *The residual* (`residual_bounds`, `linear_equation`). r = x̂'' − A x̂ − B x̂' − C F at n nodes of
   each cell, off by at most δr. A cell never reaches across an edge of a window or a kink of a
   force, and its piece of the force is that where it begins.
5. *Between the nodes* (`residual_bounds.missed`). With M ≥ |r| on the ellipse of ρ,
   |r − p| ≤ min_ρ 4Mρ^{1−n}/(ρ − 1), and ≤ (1 + Λ) max|r|; then |r − computed p| is larger by at
   most Λ max δr, Λ the Lebesgue constant (Trefethen, theorem 8.2; Rivlin).
6. *The defect* (`error_bound._defects`). E is the computed piecewise polynomial, exactly. Its
   defect A E + [0; r] − E' is bounded by the coefficients of A E + [0; p] − E', lemma 5, and what
   rounding does to coefficients. It jumps between cells by what `_jumps` says, and x̂ by lemma 3.
   Of what δr does to p the mean over a cell is enough for lemma 7: π/√8 max δr, as the n nodes
   integrate p² with the weight 1/√(1 − ξ²) exactly (`chebyshev_cells.MEAN`).
7. *Carried on* (`defect_bounds`). y = (x̂ − x, x̂' − x') − E obeys y' = A y + defect. In the
   coordinates w = V⁻¹y, |w| ≤ u with u' = R u + |V⁻¹||defect|, where only the integral of the
   defect counts; exp(R Δ) is bounded from above by its series and squarings.
8. *Sum.* |x̂ − x| ≤ |E| + |y| + rounding of E at t + rounding of the model, lemma 3.

Bounds themselves are sums and products of numbers ≥ 0: `UPWARDS` is for their rounding. What
overflows makes a bound infinite, never NaN. Every count of roundings is a named constant with the
operations it counts beside it.
"""
