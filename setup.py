"""The one part that is compiled, and may be missing: all else is in pyproject.toml."""

from setuptools import Extension, setup

try:
    from Cython.Build import cythonize
except ImportError:
    EXTENSIONS = []
else:
    EXTENSIONS = cythonize(
        [
            Extension(
                "bridge.hotpath_fast",
                ["bridge/hotpath_fast.pyx"],
                extra_compile_args=["-O3"],
                # without a compiler or Python's headers the plain twin does the work
                optional=True,
            )
        ],
        build_dir="build",
    )

setup(ext_modules=EXTENSIONS)
