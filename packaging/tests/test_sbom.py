# SPDX-License-Identifier: MIT
"""The bill of materials: complete for what is built here, and the same twice."""
import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SBOM = os.path.join(HERE, "../sbom")
BUILD = os.environ.get("BLEND_BUILD", os.path.join(HERE, "../../build/release"))


def make(target):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bill.json")
        subprocess.run([sys.executable, SBOM, "--build", BUILD, "--target", target, "--version", "7.8.9", "-o", path], check=True)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def load():
    loader = importlib.machinery.SourceFileLoader("sbom", SBOM)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("sbom", loader))
    loader.exec_module(module)
    return module


def links(bill, kind):
    names = {package["SPDXID"]: package["name"] for package in bill["packages"]}
    return {names[relation["relatedSpdxElement"]] for relation in bill["relationships"] if relation["relationshipType"] == kind}


class Bill(unittest.TestCase):
    def setUp(self):
        if not shutil.which("dpkg-query") or not shutil.which("ninja"):
            self.skipTest("needs dpkg and ninja")

    def built(self, target):
        if not os.path.exists(os.path.join(BUILD, target)):
            self.skipTest("%s is not built" % target)
        return make(target)

    def test_static_program_names_what_is_linked_in(self):
        bill = self.built("unionfs/tools/blendfs-static")
        linked = links(bill, "STATIC_LINK")
        self.assertLessEqual({"libc6-dev"}, linked)
        self.assertTrue(any(name.startswith("libfuse3") for name in linked), linked)
        self.assertTrue(any(name.startswith("libstdc++") for name in linked), linked)
        self.assertEqual(links(bill, "DYNAMIC_LINK"), set())
        for package in bill["packages"]:
            self.assertNotEqual(package["licenseDeclared"], "NOASSERTION", package["name"])
        self.assertEqual(bill["packages"][0]["versionInfo"], "7.8.9")

    def test_shared_program_names_its_libraries(self):
        linked = links(self.built("unionfs/tools/blendfs"), "DYNAMIC_LINK")
        self.assertLessEqual({"libc6", "libstdc++6"}, linked)

    def test_the_same_twice_and_every_end_exists(self):
        bill = self.built("unionfs/tools/blendfs-static")
        self.assertEqual(bill, make("unionfs/tools/blendfs-static"))
        known = {package["SPDXID"] for package in bill["packages"]} | {"SPDXRef-DOCUMENT"}
        for relation in bill["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, known)

    def test_what_belongs_to_no_package_is_an_error(self):
        sbom = load()
        with tempfile.NamedTemporaryFile() as stray, self.assertRaises(sbom.Unknown):
            sbom.Materials().add_files([stray.name], "STATIC_LINK")

    def test_a_target_that_is_not_built(self):
        done = subprocess.run([sys.executable, SBOM, "--build", HERE, "--target", "nothing", "--version", "1"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("sbom: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
