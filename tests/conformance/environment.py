"""Where the OGC's test suites and the programs that run them are: an environment of its own, outside the project.

``python tests/conformance/environment.py`` brings from Maven Central what is there: TEAM Engine and the XML schemas.
The suites themselves are put there by hand, see docs/conformance/README.md.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HOME = Path(os.environ.get("CIM_CONFORMANCE", Path.home() / ".cache" / "onemap-cim-conformance"))
ENGINE = HOME / "engine"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>onemap-cim-conformance</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.opengis.cite.teamengine</groupId><artifactId>teamengine-core</artifactId>
      <version>6.0.0-RC2</version></dependency>
    <dependency><groupId>org.opengis.cite.teamengine</groupId><artifactId>teamengine-resources</artifactId>
      <version>6.0.0-RC2</version></dependency>
    <dependency><groupId>commons-lang</groupId><artifactId>commons-lang</artifactId><version>2.6</version></dependency>
    <dependency><groupId>org.jvnet.ogc</groupId><artifactId>ogc-schemas</artifactId><version>2.6.1</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
    <dependency><groupId>org.hisrc.w3c</groupId><artifactId>w3c-schemas</artifactId><version>1.4.0</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
  </dependencies>
</project>
"""


class SuiteAbsent(Exception):
    """A suite cannot run here; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One of the OGC's test suites.

    ``entry`` is the main class of a suite of TestNG, or the script of one written in CTL, and ``test`` the test in it.
    A suite of TestNG that is not ``directed`` writes below the home folder, whatever it is told.
    """

    id: str
    title: str
    version: str
    entry: str
    test: str = ""
    directed: bool = True

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return HOME / "suites" / self.id

    @property
    def scripted(self) -> bool:
        """Whether it is written in CTL, so that TEAM Engine runs it."""
        return bool(self.test)

    def script(self) -> Path:
        """The script of a suite in CTL, wherever below its folder."""
        found = sorted(self.folder.glob(f"**/ctl/{self.entry}"))
        if not found:
            raise SuiteAbsent(f"{self.folder} has no ctl/{self.entry}: see docs/conformance/README.md")
        return found[0]

    def classpath(self) -> str:
        """What Java is given to find classes and resources: the suite's own, and those of the engine."""
        jars = [self.folder, self.folder / "classes", *self.folder.glob("*.jar"), *self.folder.glob("lib/*.jar")]
        if self.scripted:
            jars += ENGINE.glob("lib/*.jar")
        return os.pathsep.join(str(jar) for jar in jars)


FEATURES = Suite(
    "ogcapi-features10", "OGC API - Features 1.0", "1.9", "org.opengis.cite.ogcapifeatures10.TestNGController"
)
TILES = Suite("ogcapi-tiles10", "OGC API - Tiles 1.0", "1.2", "org.opengis.cite.ogcapitiles10.TestNGController")
WMS = Suite("wms13", "Web Map Service 1.3.0", "1.34", "main-auto.xml", "main:main-auto")
WMTS = Suite("wmts10", "Web Map Tile Service 1.0.0", "1.11", "wmts-auto.xml", "wmts:main")
SENSORTHINGS = Suite(
    "sta10", "SensorThings API 1.0 part 1", "1.5", "org.opengis.cite.sta10.TestNGController", directed=False
)
SUITES = (FEATURES, TILES, WMS, WMTS)
"""Those that read layers; SensorThings has a test of its own."""


def require(suite: Suite) -> None:
    """Raises SuiteAbsent where Java, the suite or the engine is missing."""
    if shutil.which("java") is None:
        raise SuiteAbsent("no java here: Debian's package openjdk-17-jre-headless brings it")
    if not suite.folder.is_dir():
        raise SuiteAbsent(f"{suite.title} is not at {suite.folder}: see docs/conformance/README.md")
    if suite.scripted and not list(ENGINE.glob("lib/teamengine-core-*.jar")):
        raise SuiteAbsent("TEAM Engine is not installed: python tests/conformance/environment.py")


def install() -> None:
    """Bring TEAM Engine and the schemas from Maven Central."""
    if shutil.which("mvn") is None:
        sys.exit("no mvn here: Debian's package maven brings it")
    ENGINE.mkdir(parents=True, exist_ok=True)
    (ENGINE / "pom.xml").write_text(POM, "utf-8")
    copy = ["mvn", "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"]
    subprocess.run(copy, cwd=ENGINE, check=True)


if __name__ == "__main__":
    install()
