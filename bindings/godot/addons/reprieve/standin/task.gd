extends RefCounted
## Stands in for [ReprieveTask] where the library is not loaded.

var kind := 0
var token := ""
var sku := ""
var feature := ""
var outage := 0
