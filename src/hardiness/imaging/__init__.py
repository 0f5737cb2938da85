"""Pure array kernels: no policy, no benchmark names."""
