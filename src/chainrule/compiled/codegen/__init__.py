"""Code generation: elementwise Python functions become functions and loops that Numba compiles."""
