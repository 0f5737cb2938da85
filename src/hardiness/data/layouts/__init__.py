"""The layouts of the data sets, which `hardiness.data.root` finds: `folders` has a line for each plain one."""
