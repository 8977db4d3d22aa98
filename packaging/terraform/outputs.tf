output "vpc_id" {
  description = "The VPC."
  value       = alicloud_vpc.this.id
}

output "route_table_id" {
  description = "The route table that gets an entry for each node's subnet."
  value       = alicloud_vpc.this.route_table_id
}

output "security_group_id" {
  description = "The security group, for rules of your own."
  value       = alicloud_security_group.this.id
}

output "etcd_endpoint" {
  description = "For etcdctl, and for --etcd-endpoints of more nodes."
  value       = "http://${local.etcd_address}:2379"
}

output "node_addresses" {
  description = "The etcd host first."
  value       = concat([alicloud_instance.etcd.private_ip], alicloud_instance.node[*].private_ip)
}
