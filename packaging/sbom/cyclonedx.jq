# Converts the components of an inventory (one for each line, see inventory.sh) to a CycloneDX 1.6 document without serial number.
# Arguments: name, version, type, purl (of the whole), hash (SHA-256 of its file, or ""), license (SPDX or ""), created (RFC 3339).

def absent: . == "-" or . == "";
def licenses: if absent then [] elif test(" (AND|OR|WITH) ") then [{expression: .}] else [{license: {id: .}}] end;
def known(f): with_entries(select(.value | f | not));
def is_empty: . == null or . == [] or . == "";

def component:
  split("\t") as [$kind, $name, $version, $purl, $hash, $license, $url]
  | {
      # Names are not unique: one image may contain a package for two architectures.
      "bom-ref": (if ($purl | absent) then "\($kind):\($name)" else $purl end),
      type: (if $name | test("App.Runtime") then "framework" elif $kind == "file" then "file" elif $kind == "data" then "data" else "library" end),
      name: $name,
      version: (if $version | absent then null else $version end),
      scope: "required",
      hashes: (if $hash | absent then [] else [{alg: (if ($hash | length) == 128 then "SHA-512" else "SHA-256" end), content: $hash}] end),
      licenses: ($license | licenses),
      purl: (if $purl | absent then null else $purl end),
      externalReferences: (if $url | absent then [] else [{type: "website", url: $url}] end)
    }
  | known(is_empty);

[inputs | select(length > 0) | component] | unique_by(.["bom-ref"]) as $components
| {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: $created,
      # The components are those that the linker and the AOT compiler used, not those of a manifest.
      lifecycles: [{phase: "build"}],
      tools: {components: [{type: "application", name: "packaging/sbom/build.sh", version: $version}]},
      component: ({
        "bom-ref": $purl, type: $type, name: $name, version: $version, purl: $purl,
        hashes: (if $hash == "" then [] else [{alg: "SHA-256", content: $hash}] end), licenses: ($license | licenses)
      } | known(is_empty))
    },
    components: $components,
    dependencies: ([{ref: $purl, dependsOn: [$components[] | .["bom-ref"]]}] + [$components[] | {ref: .["bom-ref"]}])
  }
