/** The functions of numbers that equations call, as Python's elementwise.py computes them. */

// Coefficients of two polynomials, highest power first: erf(a) = a · NEAR(a²) for a < 0.875, and
// TAIL for erfc beyond. They are those of elementwise.py, which a test compares.
const NEAR = [
  -8.666276629203472e-10, 1.4122777660357666e-8, -1.6289242608284092e-7, 1.6456607597388118e-6,
  -1.492538720169797e-5, 0.00012055324561705379, -0.0008548326845690305, 0.005223977623059443,
  -0.026866170644942594, 0.11283791670954353, -0.3761263890318374, 0.1283791670955126,
];
const TAIL = [
  -2.357655901980511e-8, 9.366209266942451e-8, 7.554626640391947e-8, -8.749626561960918e-7,
  4.876812313692263e-7, 6.005973627519402e-6, -1.3420534806763321e-5, -2.2968957506143405e-5,
  0.00016753564735442401, -0.0002584945675637069, -0.0007414514162583583, 0.005631315138521207,
  -0.019242931843147147, 0.046800475058060474, -0.08980465819672806, 0.14106369672823643,
  -0.18276144908563677, 0.19129041677767367, -0.14866010708607688, 0.05467991972956621,
  0.13024552540675646,
];

/** @type {(coefficients: number[], x: number) => number} */
const polynomial = (coefficients, x) => coefficients.reduce((sum, c) => sum * x + c);

/** @type {(x: number) => [number, number]} erf(|x|) and erfc(|x|) */
function both(x) {
  const a = Math.abs(x) > 28 ? 28 : Math.abs(x);
  const square = a * a;
  const near = a * polynomial(NEAR, square);
  // h is a rounded to half of its digits, so that h² is exact, and the rounding error of a² known.
  const h = a + 1.5 * 2 ** 31 - 1.5 * 2 ** 31 || a + 1.5 * 2 ** 16 - 1.5 * 2 ** 16;
  const loss = h * h - square + (a - h) * (a + h);
  const w = Math.exp(-square) / (2 * a + 0.25);
  const tail = polynomial(TAIL, (a - 4) / (a + 4));
  const far = w + w * (tail - loss * (1 + tail));
  return a < 0.875 ? [a + near, 1 - a - near] : [1 - far, far];
}

/** @type {(x: number) => number} */
export const erf = (x) => (x < 0 ? -both(x)[0] : both(x)[0]);

/** @type {(x: number) => number} */
export const erfc = (x) => (x < 0 ? 2 - both(x)[1] : both(x)[1]);

/** @type {{[name: string]: (...numbers: number[]) => number}} */
export const FUNCTIONS = {
  erf,
  erfc,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  sin: Math.sin,
  cos: Math.cos,
  abs: Math.abs,
  sign: Math.sign,
  real: (x) => x,
  where: (condition, yes, no) => (condition ? yes : no),
  maximum: (a, b) => (Number.isNaN(a) ? a : a > b ? a : b),
  minimum: (a, b) => (Number.isNaN(a) ? a : a < b ? a : b),
};

/** @type {{[symbol: string]: (a: number, b: number) => number}} */
export const OPERATORS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "//": (a, b) => Math.floor(a / b),
  "**": (a, b) => (b === 2 ? a * a : a ** b),
  "<": (a, b) => +(a < b),
  "<=": (a, b) => +(a <= b),
  ">": (a, b) => +(a > b),
  ">=": (a, b) => +(a >= b),
};
