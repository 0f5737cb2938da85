"""The layouts of the data sets, one module each; `hardiness.data.root` finds them."""
