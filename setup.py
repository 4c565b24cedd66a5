"""The one part that is compiled, and may be missing: all else is in pyproject.toml."""

from setuptools import Extension, setup

MODULES = (
    *("hotpath_legs", "hotpath_batch", "hotpath_fanout"),
    *("hotpath_gate", "hotpath_reader", "hotpath_fast"),
)

try:
    from Cython.Build import cythonize
except ImportError:
    EXTENSIONS = []
else:
    EXTENSIONS = cythonize(
        [
            Extension(
                f"bridge.{name}",
                [f"bridge/{name}.pyx"],
                extra_compile_args=["-O3"],
                # without a compiler or Python's headers the plain twin does the work
                optional=True,
            )
            for name in MODULES
        ],
        build_dir="build",
    )

setup(ext_modules=EXTENSIONS)
