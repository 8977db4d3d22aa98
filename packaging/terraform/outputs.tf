output "vpc_id" {
  description = "The VPC."
  value       = alicloud_vpc.this.id
}

output "route_table_id" {
  description = "The route table, which gets an entry for the subnet of each node."
  value       = alicloud_vpc.this.route_table_id
}

output "security_group_id" {
  description = "The security group, for additional rules."
  value       = alicloud_security_group.this.id
}

output "etcd_endpoint" {
  description = "Endpoint for etcdctl, and for --etcd-endpoints of more nodes."
  value       = "http://${local.etcd_address}:2379"
}

output "node_addresses" {
  description = "Addresses of the nodes, the etcd host first."
  value       = concat([alicloud_instance.etcd.private_ip], alicloud_instance.node[*].private_ip)
}
