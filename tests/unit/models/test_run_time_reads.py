"""What code reads when its model is called is named, whatever it is called there; what it reads to build it is not."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hardiness.models.code_hash import code_identity

NETWORK = """
import pathlib
import torch
{top}

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        {init}

    def forward(self, x):
        {forward}
        return self.linear(x)
{more}
"""
HELPER = """
import configparser
import importlib
import numpy as np
import subprocess
from numpy import loadtxt as table
read = open
PARSER = configparser.ConfigParser()
LOADERS = {"numbers": np.loadtxt}

def by_name(name):
    return importlib.import_module("json"), importlib.import_module(name)

def text(path):
    return read(path).read()

def numbers(path):
    return table(path)

def load_weights(path):
    with open(path) as stream:
        return stream.read()

class Table:
    def __init__(self, path):
        with open(path) as stream:
            self.rows = stream.read()

    def __call__(self, x):
        return x

def settings(path):
    PARSER.read(path)
"""
NAMED = {
    "runpy": ("import runpy", "", "runpy.run_path('a.py')", "files"),
    "runpy's function": ("from runpy import run_path as ran", "", "ran('a.py')", "files"),
    "subprocess": ("import subprocess", "", "subprocess.run(['ls'])", "programs"),
    "subprocess's function": ("from subprocess import run as ran", "", "ran(['ls'])", "programs"),
    "subprocess in forward": ("", "", "import subprocess as s; s.run(['ls'])", "programs"),
    "os.system": ("import os", "", "os.system('ls')", "programs"),
    "os.system under another name": ("from os import system as ran", "", "ran('ls')", "programs"),
    "asyncio": ("import asyncio", "", "asyncio.create_subprocess_exec('ls')", "programs"),
    "os.walk": ("import os", "", "list(os.walk('.'))", "files"),
    "os.walk under another name": ("from os import walk as each", "", "list(each('.'))", "files"),
    "os.stat": ("import os", "", "os.stat('a').st_size", "files"),
    "XML": ("import xml.etree.ElementTree as tree", "", "tree.parse('a.xml')", "files"),
    "a file that is loaded as a module": (
        "import importlib.util as u",
        "",
        "u.spec_from_file_location('a', 'a.py')",
        "files",
    ),
    "another network's files": ("from transformers import AutoModel", "", "AutoModel.from_pretrained('a')", "files"),
    "a connection": ("import http.client", "", "http.client.HTTPConnection('a')", "services"),
    "configparser": ("import configparser as c", "", "c.ConfigParser().read('a.ini')", "files"),
    "a parser": ("import configparser\nPARSER = configparser.ConfigParser()", "", "PARSER.read('a.ini')", "files"),
    "a parser that it holds": (
        "import configparser",
        "self.parser = configparser.ConfigParser()",
        "self.parser.read('a.ini')",
        "files",
    ),
    "open": ("", "", "open('a').read()", "files"),
    "open by another name": ("opened = open", "", "opened('a').read()", "files"),
    "open in itself": ("", "self.opened = open", "self.opened('a').read()", "files"),
    "open in a list": ("", "self.steps = [open]", "self.steps[0]('a').read()", "files"),
    "loadtxt by another name": ("from numpy import loadtxt as table", "", "table('a')", "files"),
    "loadtxt with arguments": (
        "import functools, numpy\ntable = functools.partial(numpy.loadtxt, delimiter=',')",
        "",
        "table('a')",
        "files",
    ),
    "loadtxt in a dictionary": ("import numpy\nBY = {'a': numpy.loadtxt}", "", "BY['a']('a')", "files"),
    "a lambda": ("import numpy\ntable = lambda path: numpy.loadtxt(path)", "", "table('a')", "files"),
    "environ by another name": ("from os import environ as around", "", "around['A']", "environment variables"),
    "getenv in itself": ("import os", "self.get = os.getenv", "self.get('A')", "environment variables"),
    "urlopen": ("import urllib.request", "", "urllib.request.urlopen('http://a')", "services"),
    "requests": ("import requests", "", "requests.post('http://a')", "services"),
    "a helper's alias of open": ("import reads_helper as h", "", "h.text('a')", "files"),
    "a helper's alias of loadtxt": ("from reads_helper import numbers as n", "", "n('a')", "files"),
    "a helper in forward": ("", "", "import reads_helper; reads_helper.text('a')", "files"),
    "a helper's alias in forward": ("", "", "from reads_helper import numbers as n; n('a')", "files"),
    "a helper's parser": ("import reads_helper as h", "", "h.settings('a')", "files"),
    "a helper that it holds": (
        "import reads_helper",
        "self.steps = [reads_helper]",
        "self.steps[0].text('a')",
        "files",
    ),
    "an object of a helper": ("import reads_helper", "", "reads_helper.Table('a')", "files"),
    "import_module beside a literal": ("import reads_helper as h", "", "h.by_name('a')", "modules that are imported"),
    "import_module of parts": (
        "import importlib",
        "",
        "importlib.import_module(f'a{x}')",
        "modules that are imported",
    ),
    "import_module by another name": (
        "from importlib import import_module as get",
        "",
        "get(str(x))",
        "modules that are imported",
    ),
    "zipfile": ("import zipfile", "", "zipfile.ZipFile('a').namelist()", "files"),
    "zipfile's class": ("from zipfile import ZipFile as Z", "", "Z('a')", "files"),
    "mmap": ("import mmap", "", "mmap.mmap(0, 1)", "files"),
    "h5py": ("", "", "import h5py; h5py.File('a')", "files"),
    "pkgutil": ("import pkgutil", "", "pkgutil.get_data('a', 'b')", "files"),
    "a function by its name": ("import numpy as np", "", "getattr(np, 'loadtxt')('a')", "files"),
    "glob": ("import glob as g", "", "g.glob('*')", "files"),
    "a time of a file": ("import os", "", "os.path.getmtime('a')", "files"),
    "eval": ("", "", "eval('1')", "texts that become code"),
    "exec by another name": ("run = exec", "", "run('1')", "texts that become code"),
    "sys.argv": ("import sys", "", "sys.argv[1]", "the command line"),
    "the clock": ("import time", "", "time.time()", "the clock"),
    "the clock by another name": ("from time import time as now", "", "now()", "the clock"),
    "a date": ("from datetime import datetime", "", "datetime.now()", "the clock"),
    "a method of its own": ("", "", "self.read_it()", "files"),
    "open on bytes and on a file": (
        "import io\nfrom PIL import Image",
        "",
        "Image.open(io.BytesIO(b'')), Image.open('a')",
        "files",
    ),
    "open on a file or on bytes": (
        "import io\nfrom PIL import Image",
        "",
        "Image.open(io.BytesIO(b'') if x else 'a')",
        "files",
    ),
    "open on a name that bytes hold": ("import io", "", "open(io.BytesIO(b'a').read())", "files"),
    "open on bytes of a parameter": (
        "import io\nfrom PIL import Image\ndef opened(io):\n    return Image.open(io.BytesIO('a'))",
        "",
        "opened(x)",
        "files",
    ),
    "open on bytes of another": (
        "class BytesIO(str): pass\nfrom PIL import Image",
        "",
        "Image.open(BytesIO('a'))",
        "files",
    ),
    "a function of its own on bytes": ("import io, reads_helper", "", "reads_helper.text(io.BytesIO(b''))", "files"),
    "a method called open on bytes": ("import io", "", "self.read_bytes(io.BytesIO(b''))", "files"),
}
METHOD = """
    def read_it(self):
        return open('a').read()

    def read_bytes(self, stream):
        return open('a').read()
"""
METHOD_OF_ITS_FILE = """
    def read_it(self):
        return pathlib.Path(__file__).read_text()
"""
TO_BUILD = {
    "in __init__": ("", "self.text = pathlib.Path(__file__).read_text()", "", ""),
    "by a helper": ("import reads_helper", "self.text = reads_helper.load_weights(__file__)", "", ""),
    "by an object of a helper": ("import reads_helper", "self.table = reads_helper.Table(__file__)", "", ""),
    "by a method": ("", "self.text = self.read_it()", "", METHOD_OF_ITS_FILE),
    "at the top": ("TEXT = pathlib.Path(__file__).read_text()", "", "TEXT", ""),
    "by a method that nothing calls": ("import reads_helper", "", "", METHOD),
    "a literal": ("import importlib", "", "importlib.import_module('json').dumps(1)", ""),
    "a literal with a package": ("import importlib", "", "importlib.import_module('.decoder', package='json')", ""),
    "differences of times": ("import time", "", "time.perf_counter(); x.time", ""),
    "evaluation mode": ("", "", "self.linear.eval(); getattr(self, 'linear')", ""),
    "open on bytes": ("import io\nfrom PIL import Image", "", "Image.open(io.BytesIO(bytes(x[0]))).convert('RGB')", ""),
    "open on bytes by imported names": (
        "from io import BytesIO\nfrom PIL.Image import open",
        "",
        "open(BytesIO(b''))",
        "",
    ),
    "open on bytes in forward": ("", "", "import io; from PIL import Image; Image.open(io.BytesIO(b''))", ""),
    "open on bytes by another name": (
        "import io as memory\nimport numpy as np",
        "",
        "np.load(memory.BytesIO(b''))",
        "",
    ),
    "open on bytes in a loop": (
        "import io\nfrom PIL import Image",
        "",
        "[Image.open(io.BytesIO(each)) for each in x]",
        "",
    ),
    "words of others": ("import json", "", "json.dumps({}); self.linear.weight.data_ptr()", ""),
}


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of that text, with a helper beside it, as a new process would."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "reads_helper.py").write_text(HELPER)

    def load(text: str) -> ModuleType:
        (tmp_path / "reads_network.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module("reads_network")

    yield load
    for name in ("reads_network", "reads_helper"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", NAMED)
def test_what_is_read_when_it_is_called_is_named(kind: str, imported: Callable[[str], ModuleType]) -> None:
    top, init, forward, what = NAMED[kind]
    module = imported(NETWORK.format(top=top, init=init, forward=forward, more=METHOD))
    found = code_identity(module.Net()).left_out
    assert [line for line in found if line.startswith(f"its key does not cover {what}")] == list(found)
    assert len(found) == 1


@pytest.mark.parametrize("kind", TO_BUILD)
def test_what_is_read_to_build_it_is_not(kind: str, imported: Callable[[str], ModuleType]) -> None:
    top, init, forward, more = TO_BUILD[kind]
    module = imported(NETWORK.format(top=top, init=init, forward=forward, more=more))
    assert code_identity(module.Net()).left_out == ()
