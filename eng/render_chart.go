// Renders the templates of a Helm chart as Helm does (https://helm.sh/docs/chart_template_guide/): text/template with the functions of sprig,
// and the objects Values, Release and Chart. The functions that Helm adds itself, such as toYaml and include, are absent.
//
//	go run render_chart FOLDER NAMESPACE <VALUES.json
//
// FOLDER has the templates. The input is {"Values": …, "Chart": …}.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: render_chart FOLDER NAMESPACE <VALUES.json")
	}
	data := map[string]interface{}{}
	if err := json.NewDecoder(os.Stdin).Decode(&data); err != nil {
		log.Fatal(err)
	}
	data["Release"] = map[string]interface{}{"Namespace": os.Args[2]}
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*.yaml"))
	if err != nil || len(files) == 0 {
		log.Fatalf("no templates in %s: %v", os.Args[1], err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		parsed, err := template.New(filepath.Base(file)).Funcs(sprig.TxtFuncMap()).Option("missingkey=error").Parse(string(text))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("---")
		if err := parsed.Execute(os.Stdout, data); err != nil {
			log.Fatal(err)
		}
	}
}
