package routes_test

import (
	"fmt"

	"github.com/quackproxy/quack/routes"
)

const file = `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]}
  accounts: {urls: [http://127.0.0.1:4000]}
defaults: {legacy: monolith, new: accounts}
routes:
  - match: /api
    routes:
      - {name: accounts.show, match: "GET /accounts/{id}", stage: shadow}
      - {name: accounts.create, match: POST /accounts}
`

func ExampleTable_Match() {
	table, err := routes.Parse("routes.yaml", []byte(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	route, params := table.Match("GET", "/api/accounts/7")
	fmt.Println(route.Name, params.Get("id"))
	fmt.Println(route.LiveSide("alice", true), route.Shadowed("alice"))
	route, _ = table.Match("GET", "/elsewhere")
	fmt.Println(route.Name, route.Legacy.Name)
	// Output:
	// accounts.show 7
	// legacy true
	// (default) monolith
}

func ExampleTable_WithStages() {
	table, err := routes.Parse("routes.yaml", []byte(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = table.WithStages(map[string]routes.StageSetting{"accounts.create": {Stage: routes.StageShadow}})
	fmt.Println(err)
	// Output:
	// routes.yaml:10:40: route accounts.create: stage shadow would shadow writes to backend accounts, which does not roll back: this is an unsafe route
	//   put the adapter in front of accounts and say rollback: header at line 4;
	//   or say safe: true if the request changes nothing, shadow: {sample: 0%} to send nothing, or stage: legacy
}
