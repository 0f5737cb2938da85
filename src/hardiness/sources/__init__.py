"""Where bytes come from: installed packages, downloads, archives."""
